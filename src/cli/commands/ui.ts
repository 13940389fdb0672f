import type { Command } from "commander";
import { connectHost } from "../connection.ts";
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
  const { host, paths } = await connectHost();
  const { url } = await host.openUi({});
  if (json) return printJson({ url });
  if (printOnly) return print(url);
  const failure = open ? await openSecretLink(url, paths.run) : "no browser was asked for";
  if (failure === undefined) return say("Berth opens in your browser. If it does not, see: berth ui --no-open");
  say(`Open this link in a browser on this computer within 5 minutes; it works once:\n\n  ${url}\n`);
}
