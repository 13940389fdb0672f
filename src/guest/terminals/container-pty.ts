import type { Duplex } from "node:stream";
import type { Pty, PtyEvents, PtyRequest } from "../../lib/terminals/pty.ts";
import { containerSession } from "../container-session.ts";
import { type DockerApi, signalExec } from "../docker-api.ts";
import type { EnvironmentStates } from "../environment-state.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import type { Observer } from "../observe.ts";
import type { GuestSettings } from "../settings.ts";
import { loginShell } from "../ssh.ts";

/** A program that does not heed its terminal's end is ended by force after this. */
const hangUpGraceMs = 5000;
/** What a program's exit code is when dockerd cannot tell it. */
const unknownExitCode = 255;

export interface ContainerPtyDependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly observer: Observer;
  readonly settings: GuestSettings;
  readonly network: GuestNetwork;
}

/** Starts a program on a terminal in an environment's container, through dockerd. */
export async function startContainerPty(request: PtyRequest, events: PtyEvents, dependencies: ContainerPtyDependencies): Promise<Pty> {
  const { docker } = dependencies;
  const session = await containerSession(request.environmentId, request.workingDirectory, dependencies);
  const env = { ...session.env, TERM: "xterm-256color", COLORTERM: "truecolor", ...request.env };
  const execId = await docker.createExec(session.containerId, {
    argv: request.argv.length > 0 ? request.argv : ["/bin/sh", "-c", `${loginShell}; exec "$SHELL" -l`],
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    user: session.user,
    workingDirectory: session.workingDirectory,
    tty: true,
    size: request.size,
  });
  const stream = await docker.startExec(execId, true);
  stream.on("data", events.onOutput);
  stream.on("error", () => undefined);
  // A stream that ended for reading is open for writing until it is closed.
  stream.once("end", () => stream.destroy());
  stream.once("close", () => {
    docker.inspectExec(execId).then(
      (state) => events.onExit(state.ExitCode ?? unknownExitCode),
      () => events.onExit(unknownExitCode),
    );
  });
  return dockerPty(execId, stream, docker);
}

function dockerPty(execId: string, stream: Duplex, docker: DockerApi): Pty {
  return {
    write: async (data) => {
      if (stream.writable && !stream.write(data)) await roomIn(stream);
    },
    resize: async ({ columns, rows }) => docker.resizeExec(execId, columns, rows),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    hangUp: () => {
      void signalExec(execId, "SIGHUP", docker);
      // Output that nobody reads would hold the program up on its way out.
      stream.resume();
      const timer = setTimeout(() => {
        void signalExec(execId, "SIGKILL", docker).finally(() => stream.destroy());
      }, hangUpGraceMs);
      stream.once("close", () => clearTimeout(timer));
    },
  };
}

async function roomIn(stream: Duplex): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
