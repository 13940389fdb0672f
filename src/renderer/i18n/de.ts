import { about } from "./de/about.ts";
import { diagnostics } from "./de/diagnostics.ts";
import { environment } from "./de/environment.ts";
import { environments } from "./de/environments.ts";
import { machine } from "./de/machine.ts";
import { manage } from "./de/manage.ts";
import { newEnvironment } from "./de/new-environment.ts";
import { settings } from "./de/settings.ts";
import { shell } from "./de/shell.ts";
import type { Strings } from "./strings.ts";

export const de: Strings = { shell, environments, environment, newEnvironment, machine, manage, settings, diagnostics, about };
