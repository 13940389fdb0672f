import type { Strings } from "../strings.ts";

export const diagnostics: Strings["diagnostics"] = {};
