import { connectNodeAdapter } from "@connectrpc/connect-node";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http2";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { AgentService } from "../contract/gen/berth/v1/agent_pb.js";
import { TerminalService } from "../contract/gen/berth/v1/terminal_pb.js";
import { acceptSession } from "../lib/agent-transport.ts";
import { terminalCalls } from "../lib/terminals/terminal-calls.ts";
import { Terminals } from "../lib/terminals/terminals.ts";
import { agentService } from "./agent-service.ts";
import { KnownUsers } from "./devcontainer/known-users.ts";
import { BootProfile } from "./boot-profile.ts";
import { DockerApi } from "./docker-api.ts";
import { EnvironmentStates } from "./environment-state.ts";
import { MachineHealth, readLines } from "./health.ts";
import { JobStore } from "./jobs/job-store.ts";
import { DockerProcess } from "./network/docker-process.ts";
import { GuestNetwork } from "./network/guest-network.ts";
import { Observer } from "./observe.ts";
import { openPort } from "./port.ts";
import { Identity } from "./identity.ts";
import { SharedFolders } from "./shared-folders.ts";
import { readSettings } from "./settings.ts";
import { startContainerPty } from "./terminals/container-pty.ts";
import { careForDisk } from "./usage/care-for-disk.ts";
import { EnvironmentFigures } from "./usage/environment-figures.ts";

/** A message larger than this from the host is refused. */
const maxMessageBytes = 8 * 1024 * 1024;
const flowWindowBytes = 4 * 1024 * 1024;
/** By then a boot is over and the functions that one needs have been compiled. */
const compileCacheDelayMs = 20_000;

const settings = readSettings(process.env);
const now = (): number => Date.now();
/** What watches goes on for as long as the agent does. */
const forever = new AbortController().signal;
mkdirSync(join(settings.dataFolder, "env"), { recursive: true });
mkdirSync(settings.runFolder, { recursive: true });
const docker = new DockerApi(settings.dockerSocket);
const states = new EnvironmentStates({ dataFolder: settings.dataFolder, runFolder: settings.runFolder });
const jobs = new JobStore({ folder: states.folder, now });
await states.load();
await jobs.load();
const sharedFolders = new SharedFolders({ runFolder: settings.runFolder });
await Promise.all(states.ids().map(async (id) => sharedFolders.prepare(id)));
const observer = new Observer({ docker, states, jobs, runFolder: settings.runFolder });
observer.start(forever);

const figures = new EnvironmentFigures({ docker, states, observer, now });
const knownUsers = new KnownUsers(join(settings.dataFolder, "cache/known-users.json"));
const dockerProcess = new DockerProcess({
  docker,
  jobs,
  envFile: join(settings.runFolder, "network/dockerd.env"),
  keptFolder: join(settings.dataFolder, "network"),
  pidFile: "/run/docker.pid",
});
const network = new GuestNetwork({ runFolder: settings.runFolder, states, dockerProcess });
const bootProfile = new BootProfile(join(settings.runFolder, "boot-profile"));
const health = new MachineHealth({
  dataFolder: settings.dataFolder,
  bootWarnings: () => readLines(join(settings.runFolder, "warnings")),
  dockerAnswers: () => docker.answers,
  now,
});
// At once: a dockerd that dies between two looks must have been seen alive, and be told.
docker.onAnswer = () => {
  bootProfile.note("docker-answers");
  void health.look();
};
docker.onSilence = () => void health.look();
await health.look();
void health.watch(forever);
const identity = new Identity(settings);
const service = agentService({
  settings,
  identity,
  docker,
  states,
  jobs,
  observer,
  figures,
  health,
  bootProfile,
  knownUsers,
  network,
  sharedFolders,
  now,
});
const terminals = new Terminals({
  start: async (request, events) => startContainerPty(request, events, { docker, states, observer, settings, network }),
  now,
});
const server = createServer(
  { settings: { initialWindowSize: flowWindowBytes } },
  connectNodeAdapter({
    readMaxBytes: maxMessageBytes,
    routes: (router) => {
      router.service(AgentService, service);
      router.service(
        TerminalService,
        terminalCalls(terminals, (id) => observer.markActive(id, now())),
      );
    },
  }),
);
server.on("session", (session) => {
  session.setLocalWindowSize(flowWindowBytes);
  session.on("error", () => undefined);
});
server.on("sessionError", () => undefined);
bootProfile.note("agent-listens");
await openPort(settings.port, (wire) => {
  identity.serve(wire, (session) => acceptSession(server, session));
});

void careForDisk({ dataFolder: settings.dataFolder, docker, now }, forever);

// What V8 compiled is kept on the data disk (NODE_COMPILE_CACHE) and halves the agent's part of the next boot.
setTimeout(() => flushCompileCache(), compileCacheDelayMs).unref();
process.once("SIGTERM", () => {
  flushCompileCache();
  process.exit(0);
});
