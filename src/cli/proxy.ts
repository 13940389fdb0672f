import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { type DialSshRequest, DialSshRequestSchema, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { berthPaths } from "../lib/paths.ts";
import { HostSessions, hostTransport } from "../lib/host-transport.ts";

/** ssh's ProxyCommand: joins stdin and stdout with an environment's ssh server. */
const environmentId = process.argv[2] ?? "";

async function* input(): AsyncGenerator<DialSshRequest> {
  yield create(DialSshRequestSchema, { message: { case: "environmentId", value: environmentId } });
  for await (const chunk of process.stdin) yield create(DialSshRequestSchema, { message: { case: "data", value: chunk as Buffer } });
  yield create(DialSshRequestSchema, { message: { case: "end", value: true } });
}

try {
  const transport = hostTransport(new HostSessions(berthPaths(process.env).apiSocket));
  for await (const { message } of createClient(WorkspaceService, transport).dialSsh(input())) {
    if (message.case === "data" && !process.stdout.write(message.value))
      await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
    if (message.case === "end") break;
  }
  process.exit(0);
} catch (error) {
  process.stderr.write(`berth: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
