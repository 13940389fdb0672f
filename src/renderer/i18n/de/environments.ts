import type { Strings } from "../strings.ts";

export const environments: Strings["environments"] = {};
