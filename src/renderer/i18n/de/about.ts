import type { Strings } from "../strings.ts";

export const about: Strings["about"] = {};
