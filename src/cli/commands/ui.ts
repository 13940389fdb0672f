import type { Command } from "commander";
import { connectHost, type HostClients } from "../connection.ts";
import { openLink } from "../open-link.ts";
import { say } from "../report.ts";

/** `berth ui`: the window in a browser, for computers without the app. */
export function registerUi(program: Command): void {
  program
    .command("ui")
    .description("Open Berth in a browser; the link works once")
    .option("--print", "print the link alone, for scripts and for tunnels from other computers")
    .option("--no-open", "show the link, but open no browser")
    .action(async (options: { print?: true; open: boolean }) => {
      const clients = await connectHost({ start: true });
      if (options.print) return void process.stdout.write(`${(await clients.host.openUi({})).url}\n`);
      await showUi(clients, options.open);
    });
}

/** Opens the window in a browser of this computer, or says how. */
export async function showUi({ host, paths }: HostClients, open: boolean): Promise<void> {
  const { url } = await host.openUi({});
  if (open && (await openLink(url, paths.run))) return say("Berth opens in your browser. If it does not, see: berth ui --no-open");
  say(`Open this link in a browser on this computer within 5 minutes; it works once:\n\n  ${url}\n`);
}
