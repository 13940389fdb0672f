import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost } from "../connection.ts";
import { phaseName } from "../environments.ts";
import { say } from "../output.ts";
import { findRemoteEnvironment } from "../remote-environments.ts";
import { runSsh } from "../run-ssh.ts";

const maxPort = 65_535;

/** Ports of an environment of a plane, on this computer's loopback until Ctrl-C: by forwarding inside of ssh. */
export async function forwardRemotePorts(name: string, context: string, ports: readonly string[]): Promise<void> {
  const forwards = ports.map(parseForward);
  if (forwards.length === 0)
    throw new BerthError("argument-invalid", "name the ports of the environment: berth ports NAME --context CONTEXT 3000 8080:80");
  const clients = await connectHost();
  const { environment, context: found } = await findRemoteEnvironment(clients, context, name);
  if (environment.phase !== EnvironmentPhase.RUNNING)
    throw new BerthError("environment-not-running", `${environment.name} is ${phaseName(environment.phase)}`);
  const reference = { contextId: found.contextId, environmentId: environment.environmentId };
  const { hostAlias } = await clients.remoteAccess.getRemoteSshConfig(reference);
  for (const { here, there } of forwards) say(`http://localhost:${here} is port ${there} of ${environment.name}, until Ctrl-C`);
  const options = forwards.flatMap(({ here, there }) => ["-L", `localhost:${here}:localhost:${there}`]);
  process.exitCode = await runSsh(["-F", clients.paths.sshConfig, "-N", "-o", "ExitOnForwardFailure=yes", ...options, hostAlias]);
}

function parseForward(text: string): { readonly here: number; readonly there: number } {
  const [first = "", second = first, ...more] = text.split(":");
  const [here, there] = [Number(first), Number(second)];
  const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= maxPort;
  if (more.length > 0 || !isPort(here) || !isPort(there))
    throw new BerthError("argument-invalid", `'${text}' is no PORT, and no PORT-HERE:PORT-THERE`);
  return { here, there };
}
