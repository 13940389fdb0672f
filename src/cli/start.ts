import { parseArgs } from "node:util";
import { showUi } from "./commands/ui.ts";
import { connectHost } from "./connection.ts";
import { createEnvironment, whenReady } from "./create.ts";
import { reportFailure, reportTrouble, say } from "./report.ts";

/** `npm start -- <url|folder> [--json] [--no-window]`: from nothing to a running environment; the host stays up. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, "no-window": { type: "boolean", default: false } },
});
const source = positionals[0];

try {
  const clients = await connectHost({ start: true });
  if (source === undefined) {
    if (!values["no-window"]) await showUi(clients, true);
    say(
      "Berth is running. Make an environment there, or here:\n\n  npm start -- https://github.com/owner/repository\n  npm start -- samples/node-web\n",
    );
  } else {
    say(`Making an environment of ${source}`);
    const { created: ready, environment } = await whenReady(
      clients,
      await createEnvironment(clients, source, { name: "", devcontainer: "", reuse: true }),
      say,
    );
    if (values.json) process.stdout.write(`${JSON.stringify(ready)}\n`);
    else
      say(
        `\n${ready.name} is running.\n\n  shell    ${ready.sshCommand}\n  editor   ${ready.editorUrl}${ready.urls.map((url) => `\n  port     ${url}`).join("")}\n\nStop everything with: npm run host -- stop`,
      );
    process.exitCode = reportTrouble(environment);
  }
  process.exit();
} catch (error) {
  process.exit(reportFailure(error));
}
