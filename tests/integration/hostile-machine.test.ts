import { randomBytes } from "node:crypto";
import { createServer } from "node:http2";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { AgentService } from "../../src/contract/gen/berth/v1/agent_pb.js";
import { MachineKeeper } from "../../src/engine/machine-keeper.ts";
import { acceptSession } from "../../src/lib/agent-transport.ts";
import { linkKeyBytes, serveLink } from "../../src/lib/link.ts";
import { silentLog } from "../../src/lib/log.ts";
import { wirePair } from "../../src/lib/wire-pair.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import type { AgentStream, MachineDriver } from "../../src/vm/driver.ts";

/** A machine whose agent speaks the protocol well and lies (S31). */
const waitLimitMs = 10_000;
const maxTold = 512;

/** A driver of one machine that runs; each dial reaches an agent with these answers. */
function driverOf(agent: Partial<ServiceImpl<typeof AgentService>>, onDial = (): void => undefined): MachineDriver {
  const handler = connectNodeAdapter({ routes: (router) => router.service(AgentService, agent) });
  return {
    name: "hostile",
    features: {
      powerButton: false,
      usage: false,
      suspend: false,
      diskGrowsOnline: false,
      fork: false,
      sharedFolders: "none",
      pauseForSleep: false,
    },
    probe: async () => ({ usable: true, accelerator: "simulated", reason: "", fix: "", version: "" }),
    create: async () => undefined,
    start: async () => undefined,
    inspect: async () => ({ state: "running", startedAtMs: 0 }),
    list: async () => ["default"],
    sharedFoldersRefusal: () => undefined,
    sharedFolderFailures: () => new Map(),
    onChange: () => () => undefined,
    shutdown: async () => undefined,
    kill: async () => undefined,
    suspend: async () => undefined,
    fork: async () => undefined,
    identityTaken: async () => undefined,
    pause: async () => undefined,
    resume: async () => undefined,
    dialAgent: async (): Promise<AgentStream> => {
      onDial();
      const linkKey = randomBytes(linkKeyBytes);
      const [stream, guestWire] = wirePair();
      const server = createServer(handler);
      server.on("session", (session) => session.on("error", () => undefined));
      server.on("sessionError", () => undefined);
      serveLink(guestWire, linkKey, (session) => acceptSession(server, session));
      return { stream, linkKey };
    },
    consoleTail: async () => "",
    usage: async () => ({ residentMemoryBytes: 0, cpuTimeMs: 0, dataDiskAllocatedBytes: 0 }),
    remove: async () => undefined,
    dataDisk: () => ({ copy: async () => undefined, restore: async () => undefined, dropCopies: async () => undefined }),
  };
}

function keeperOf(driver: MachineDriver): MachineKeeper {
  return new MachineKeeper({
    driver,
    id: "default",
    spec: async () => ({
      id: "default",
      image: { sha256: "", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" },
      cpus: 1,
      memoryBytes: 0,
      dataDiskLimitBytes: 0,
    }),
    log: silentLog,
    now: () => Date.now(),
  });
}

const polite = { hello: async () => ({}), setClock: async () => ({}) };

test.each([
  [
    "of environments without end",
    async function* () {
      for (let n = 0; ; n += 100)
        yield {
          environments: Array.from({ length: 100 }, (_, i) => ({ environmentId: `environment-${n + i}` })),
          removedEnvironmentIds: [],
        };
    },
  ],
  [
    "megabytes of one environment",
    async function* () {
      yield { environments: [{ environmentId: "environment-0", sshHostPublicKey: "x".repeat(2 * 1024 ** 2) }], removedEnvironmentIds: [] };
    },
  ],
])("a machine that tells %s is let go", async (_what, watchEnvironments) => {
  let dials = 0;
  const keeper = keeperOf(driverOf({ ...polite, watchEnvironments }, () => void dials++));
  const told = new Set<string>();
  keeper.onChange((ids) => ids !== "all" && ids.forEach((id) => told.add(id)));
  let most = 0;
  keeper.onChange(() => (most = Math.max(most, [...told].filter((id) => keeper.environment(id) !== undefined).length)));
  keeper.start();
  try {
    // It is dialled again only after its connection was let go.
    expect(await waitUntil(() => dials > 1, { intervalMs: 10, signal: AbortSignal.timeout(waitLimitMs) })).toBe(true);
    expect(most).toBeLessThanOrEqual(maxTold);
  } finally {
    keeper.close();
  }
});
