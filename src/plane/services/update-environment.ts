import { clone, create } from "@bufbuild/protobuf";
import {
  type Environment,
  EnvironmentSpec_ContentSchema,
  EnvironmentSpec_DevContainerSchema,
  EnvironmentSpec_SSHPublicKeySchema,
  EnvironmentSpec_TimeoutSchema,
  EnvironmentSpecSchema,
  EnvironmentStatus_ContentPhase,
  type UpdateEnvironmentRequest,
  type UpdateEnvironmentRequest_Spec,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { parseContextUrl } from "../../contract/context-url.ts";
import { sourceOf } from "../environment-source.ts";
import { checkAutomationsFile, checkPorts, checkPublicKey, checkSpec, checkTimeout, refuse } from "./supported-spec.ts";

/** Puts an UpdateEnvironment request into a draft. Fails with `not-supported` where nothing would come of a field. */
export function applyUpdate(draft: Environment, { metadata, spec: wanted }: UpdateEnvironmentRequest): void {
  if (draft.metadata !== undefined && metadata?.name !== undefined) draft.metadata.name = metadata.name;
  if (draft.metadata !== undefined && metadata?.lockdownAt !== undefined) draft.metadata.lockdownAt = metadata.lockdownAt;
  if (wanted === undefined) return;
  draft.spec ??= create(EnvironmentSpecSchema);
  const { spec } = draft;
  if (wanted.content !== undefined) applyContent(draft, wanted.content);
  if (wanted.devcontainer !== undefined) {
    spec.devcontainer ??= create(EnvironmentSpec_DevContainerSchema);
    spec.devcontainer.session = wanted.devcontainer.session ?? spec.devcontainer.session;
    spec.devcontainer.devcontainerFilePath = wanted.devcontainer.devcontainerFilePath ?? spec.devcontainer.devcontainerFilePath;
  }
  applyKeys(spec, wanted.sshPublicKeys);
  if (wanted.ports.length > 0) {
    checkPorts(wanted.ports);
    spec.ports = wanted.ports;
  }
  if (wanted.timeout?.disconnected !== undefined) {
    checkTimeout(wanted.timeout.disconnected.seconds);
    spec.timeout = create(EnvironmentSpec_TimeoutSchema, { disconnected: wanted.timeout.disconnected });
  }
  checkAutomationsFile(wanted.automationsFile?.automationsFilePath);
  if (wanted.automationsFile?.session !== undefined) refuse("spec.automationsFile.session");
  if (wanted.kernelControlsConfig !== undefined) refuse("spec.kernelControlsConfig");
}

/** A working copy is made once: later wishes could only throw work away. One that failed is made anew from the new wish. */
function applyContent({ spec, status }: Environment, wanted: NonNullable<UpdateEnvironmentRequest_Spec["content"]>): void {
  if (spec === undefined) return;
  if (status?.content?.phase === EnvironmentStatus_ContentPhase.READY)
    refuse("spec.content: the working copy is there already; change it with git, or create another environment");
  spec.content ??= create(EnvironmentSpec_ContentSchema);
  spec.content.session = wanted.session ?? spec.content.session;
  spec.content.gitUsername = wanted.gitUsername ?? spec.content.gitUsername;
  spec.content.gitEmail = wanted.gitEmail ?? spec.content.gitEmail;
  if (wanted.initializer === undefined) return;
  spec.content.initializer = wanted.initializer;
  checkSpec(clone(EnvironmentSpecSchema, { ...spec, secrets: [] }));
  parseContextUrl(sourceOf(spec));
}

/** A key without a value is taken away; the others stay as they are. */
function applyKeys(spec: NonNullable<Environment["spec"]>, keys: UpdateEnvironmentRequest_Spec["sshPublicKeys"]): void {
  for (const { id, value } of keys) {
    spec.sshPublicKeys = spec.sshPublicKeys.filter((existing) => existing.id !== id);
    if (value === undefined) continue;
    checkPublicKey(id, value);
    spec.sshPublicKeys.push(create(EnvironmentSpec_SSHPublicKeySchema, { id, value }));
  }
}
