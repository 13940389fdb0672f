import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { errorCatalogue } from "../contract/error-catalogue.ts";
import { fromConnectError } from "../contract/connect-error.ts";
import { type DialSshRequest, DialSshRequestSchema, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { type DialRemoteSshRequest, DialRemoteSshRequestSchema, RemoteAccessService } from "../contract/gen/berth/v1/remote_access_pb.js";
import { berthPaths } from "../lib/paths.ts";
import { HostSessions, hostTransport } from "../lib/host-transport.ts";
import { type Piece, piecesOf } from "../lib/pieces.ts";

/** ssh's ProxyCommand: joins stdin and stdout with an environment's ssh server. With a context it is an environment of that. */
const [environmentId = "", contextId] = process.argv.slice(2);

async function* local(): AsyncGenerator<DialSshRequest> {
  yield create(DialSshRequestSchema, { message: { case: "environmentId", value: environmentId } });
  for await (const message of piecesOf(process.stdin)) yield create(DialSshRequestSchema, { message });
}

async function* remote(context: string): AsyncGenerator<DialRemoteSshRequest> {
  const environment = { contextId: context, environmentId };
  yield create(DialRemoteSshRequestSchema, { message: { case: "environment", value: environment } });
  for await (const message of piecesOf(process.stdin)) yield create(DialRemoteSshRequestSchema, { message });
}

async function write(answers: AsyncIterable<{ readonly message: Piece | { readonly case: string | undefined } }>): Promise<void> {
  for await (const { message } of answers) {
    if (message.case === "end") return;
    if (message.case === "data" && "value" in message && message.value instanceof Uint8Array && !process.stdout.write(message.value))
      await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
  }
}

try {
  const transport = hostTransport(new HostSessions(berthPaths(process.env).apiSocket));
  if (contextId === undefined) await write(createClient(WorkspaceService, transport).dialSsh(local()));
  else await write(createClient(RemoteAccessService, transport).dialRemoteSsh(remote(contextId)));
  process.exit(0);
} catch (error) {
  const { code, detail } = fromConnectError(error);
  const { title, why, whatToTry } = errorCatalogue[code];
  process.stderr.write(`berth: ${title}: ${detail}\nberth: ${why} ${whatToTry}\n`);
  process.exit(1);
}
