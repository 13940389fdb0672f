import type { Strings } from "../strings.ts";

export const machine: Strings["machine"] = {};
