import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type DialRemoteSshRequest,
  DialRemoteSshResponseSchema,
  type RemoteAccessService,
} from "../../contract/gen/berth/v1/remote_access_pb.js";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { feedStream } from "../../lib/feed-stream.ts";
import { piecesOf } from "../../lib/pieces.ts";
import type { HostParts } from "../create-host.ts";
import { editorLink, findEditor } from "../../plane/services/editors.ts";
import { plain } from "./list-environments.ts";
import type { RemoteReference } from "./remote-ssh.ts";

type Parts = Pick<HostParts, "contexts" | "remoteSsh" | "sshFiles">;

/** berth.v1.RemoteAccessService */
export function remoteAccessService(parts: Parts): ServiceImpl<typeof RemoteAccessService> {
  const { remoteSsh } = parts;
  return {
    dialRemoteSsh: (requests, { signal }) => dial(parts, requests, signal),
    getRemoteSshConfig: async (reference, { signal }) =>
      sshConfigOf(parts, reference.contextId, await remoteSsh.find(reference, signal), signal),
    prepareRemoteSsh: async ({ environment }, { signal }) => {
      await remoteSsh.prepare(referenceOf(environment), signal);
      return {};
    },
    resolveRemoteEditorURL: async ({ environment, editor }, { signal }) => {
      const reference = referenceOf(environment);
      const found = findEditor(editor);
      if (found === undefined) throw new BerthError("editor-unknown", `'${plain(editor)}'`);
      const known = await remoteSsh.find(reference, signal);
      await remoteSsh.checkEditor(reference.contextId, known, found.id, signal);
      const { hostAlias, folder, warning } = await sshConfigOf(parts, reference.contextId, known, signal);
      if (folder === "") throw new BerthError("environment-not-running", "its folder is known once its dev container has been made");
      return { url: editorLink(found, hostAlias, folder), warning };
    },
  };
}

function referenceOf(environment: RemoteReference | undefined): RemoteReference {
  if (environment === undefined) throw new BerthError("argument-invalid", "the environment is not named");
  return environment;
}

async function sshConfigOf(
  { contexts, sshFiles }: Parts,
  contextId: string,
  { id: environmentId, status }: Environment,
  signal: AbortSignal,
) {
  // What was made since the last list has no name in ssh's files yet.
  await contexts.get(contextId).environments({ polling: false }, signal);
  const found = (await sshFiles.environments()).find(({ id, remote }) => id === environmentId && remote?.contextId === contextId);
  if (found === undefined) throw new BerthError("environment-not-found", plain(environmentId));
  await sshFiles.write();
  const folder = plain(status?.devcontainer?.remoteWorkspaceFolder ?? "");
  return { hostAlias: found.alias, folder, warning: sshFiles.warning };
}

async function* dial({ remoteSsh }: Parts, requests: AsyncIterable<DialRemoteSshRequest>, signal: AbortSignal) {
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "environment")
    throw new BerthError("ssh-failed", "the first message must name the environment");
  const stream = await remoteSsh.dial(first.value.message.value, signal);
  try {
    yield create(DialRemoteSshResponseSchema, { message: { case: "connected", value: true } });
    void feedStream(input, stream);
    for await (const message of piecesOf(stream)) yield create(DialRemoteSshResponseSchema, { message });
  } finally {
    stream.destroy();
  }
}
