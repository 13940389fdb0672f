import type { Strings } from "../strings.ts";

export const environment: Strings["environment"] = {};
