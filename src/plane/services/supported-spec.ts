import { BerthError } from "../../contract/berth-error.ts";
import {
  AdmissionLevel,
  EnvironmentPhase,
  type EnvironmentSpec,
  type EnvironmentSpec_EnvironmentPort,
  EnvironmentSpec_DevContainer_LifecycleStage,
  GitInitializer_CloneTargetMode,
} from "../../contract/gen/gitpod/v1/environment_pb.js";

const keyTypes = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com";
/** One key of an authorized_keys file (sshd(8)), without options: those could run commands. */
const publicKeyPattern = new RegExp(`^(?:${keyTypes}) [A-Za-z0-9+/]+={0,2}(?: [^\\u0000-\\u001f\\u007f]*)?$`);

/** Refuses what a new environment's spec asks for and Berth does not do; nothing is dropped in silence. */
export function checkSpec(spec: EnvironmentSpec): void {
  const { content, devcontainer } = spec;
  const initializers = content?.initializer?.specs ?? [];
  if (initializers.length === 0) throw new BerthError("request-invalid", "spec.content.initializer has to name a repository");
  if (initializers.length > 1) refuse("spec.content.initializer.specs: only one repository can be given");
  const [{ spec: initializer } = { spec: { case: undefined } }] = initializers;
  if (initializer?.case === undefined) throw new BerthError("request-invalid", "spec.content.initializer has to name a repository");
  if (initializer.case === "git") {
    const { checkoutLocation, upstreamRemoteUri, targetMode, cloneTarget } = initializer.value;
    const { REMOTE_COMMIT, REMOTE_BRANCH, REMOTE_TAG, LOCAL_BRANCH } = GitInitializer_CloneTargetMode;
    if (checkoutLocation !== "") refuse("spec.content.initializer.git.checkoutLocation");
    if (upstreamRemoteUri !== "") refuse("spec.content.initializer.git.upstreamRemoteUri");
    if (targetMode === LOCAL_BRANCH) refuse("spec.content.initializer.git.targetMode: CLONE_TARGET_MODE_LOCAL_BRANCH");
    if ([REMOTE_COMMIT, REMOTE_BRANCH, REMOTE_TAG].includes(targetMode) && cloneTarget === "")
      throw new BerthError("request-invalid", "spec.content.initializer.git.cloneTarget is missing");
  }
  const { UNSPECIFIED, RUNNING, STOPPED } = EnvironmentPhase;
  if (![UNSPECIFIED, RUNNING, STOPPED].includes(spec.desiredPhase))
    throw new BerthError("request-invalid", "spec.desiredPhase may be ENVIRONMENT_PHASE_RUNNING or ENVIRONMENT_PHASE_STOPPED");
  if (devcontainer?.lifecycleStage === EnvironmentSpec_DevContainer_LifecycleStage.PREBUILD) refuse("spec.devcontainer.lifecycleStage");
  if (spec.secrets.length > 0) refuse("spec.secrets: secrets are made with SecretService and reach every environment in their scope");
  if (spec.workflowActionId !== undefined) refuse("spec.workflowActionId");
  if (spec.kernelControlsConfig !== undefined) refuse("spec.kernelControlsConfig");
  if (spec.securityPolicyId !== "") refuse("spec.securityPolicyId");
  checkAdmission(spec.admission, "spec.admission");
  checkTimeout(spec.timeout?.disconnected?.seconds);
  checkAutomationsFile(spec.automationsFile?.automationsFilePath);
  checkPorts(spec.ports);
  for (const key of spec.sshPublicKeys) checkPublicKey(key.id, key.value);
}

/** Ports reach this computer's loopback only, so nobody else can be let in. */
export function checkPorts(ports: readonly EnvironmentSpec_EnvironmentPort[]): void {
  for (const port of ports) checkAdmission(port.admission, `spec.ports: admission of ${port.port}`);
  if (new Set(ports.map((port) => port.port)).size < ports.length) throw new BerthError("request-invalid", "spec.ports names a port twice");
}

export function checkTimeout(seconds: bigint | undefined): void {
  if (seconds !== undefined && seconds > 0n) refuse("spec.timeout.disconnected: an environment runs until it is stopped; 0s is accepted");
}

export function checkAutomationsFile(path: string | undefined): void {
  if (path !== undefined && path !== "") refuse("spec.automationsFile: automations are not carried out");
}

export function checkPublicKey(id: string, value: string): void {
  if (id === "") throw new BerthError("request-invalid", "spec.sshPublicKeys: a key has no id");
  if (!publicKeyPattern.test(value))
    throw new BerthError("request-invalid", `spec.sshPublicKeys: '${id}' is no ssh public key without options`);
}

/** Throws `not-supported` for a field of the API. */
export function refuse(field: string): never {
  throw new BerthError("not-supported", field);
}

function checkAdmission(level: AdmissionLevel, field: string): void {
  const { UNSPECIFIED, CREATOR_ONLY, OWNER_ONLY } = AdmissionLevel;
  if (![UNSPECIFIED, CREATOR_ONLY, OWNER_ONLY].includes(level)) refuse(`${field}: only the creator's own computer reaches a port`);
}
