import type { Command } from "commander";
import { connectHost, type HostClients } from "../connection.ts";
import { openSecretLink } from "../open-link.ts";
import { print, printJson, say } from "../output.ts";
import { jsonOption } from "./options.ts";

interface UiOptions {
  readonly print?: true;
  readonly open: boolean;
  readonly json?: true;
}

/** `berth ui`: the window in a browser, for computers without the app. */
export function registerUi(program: Command): void {
  program
    .command("ui")
    .description("Open Berth in a browser; the link works once")
    .option("--print", "print the link alone, for scripts and for tunnels from other computers")
    .option("--no-open", "show the link, but open no browser")
    .addOption(jsonOption())
    .action(ui);
}

async function ui({ print: printOnly, open, json }: UiOptions): Promise<void> {
  const clients = await connectHost();
  if (!json && !printOnly) return showUi(clients, open);
  const { url } = await clients.host.openUi({});
  if (json) printJson({ url });
  else print(url);
}

/** Opens the window in a browser of this computer, or says how. */
export async function showUi({ host, paths }: HostClients, open: boolean): Promise<void> {
  const { url } = await host.openUi({});
  if (open && (await openSecretLink(url, paths.run)) === undefined)
    return say("Berth opens in your browser. If it does not, see: berth ui --no-open");
  say(`Open this link in a browser on this computer within 5 minutes; it works once:\n\n  ${url}\n`);
}
