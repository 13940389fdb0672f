import type { Strings } from "../strings.ts";

export const newEnvironment: Strings["newEnvironment"] = {};
