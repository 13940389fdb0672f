import { about } from "./en/about.ts";
import { diagnostics } from "./en/diagnostics.ts";
import { environment } from "./en/environment.ts";
import { environments } from "./en/environments.ts";
import { machine } from "./en/machine.ts";
import { manage } from "./en/manage.ts";
import { newEnvironment } from "./en/new-environment.ts";
import { settings } from "./en/settings.ts";
import { shell } from "./en/shell.ts";

/** Every text a person reads, one part per screen. A text with something in it is a function. */
export const en = { shell, environments, environment, newEnvironment, machine, manage, settings, diagnostics, about };
