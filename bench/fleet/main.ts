import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../src/lib/log.ts";
import { createAdmin, main as bundlePath } from "../../tests/integration/server/plane-process.ts";
import { type Databases, postgresDatabases, sqliteDatabases } from "../../tests/integration/store/databases.ts";
import bundleSetup from "../../tests/support/bundle-setup.ts";
import { percentile } from "../statistics.ts";
import { bareConnectionBytes } from "./bare-connections.ts";
import { Fleet } from "./fleet.ts";
import { type FleetOptions, parseFleetOptions } from "./options.ts";
import { People } from "./people.ts";
import { seedFleet, type SeededRunner } from "./seed.ts";
import { Servers } from "./servers.ts";
import { Latencies, watch } from "./watcher.ts";

/** `npm run bench:fleet -- [--runners N] …`: a simulated fleet against real servers; the table on stdout, progress on stderr. */
const settleMs = 60_000;
const idleMs = 5_000;
/** So many runners are connected before memory is looked at first: until then a server loads and compiles what it needs. */
const warmUpShare = 0.25;
/** Of the server that does nothing, which memory is compared with. */
const bareConnections = { warmUp: 200, measured: 400 };
/** One environment is created in each of these times. */
const createIntervalMs = 200;

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly limit: string;
}

async function measure(options: FleetOptions, folder: string): Promise<Row[]> {
  const databases = options.database === "postgres" ? postgresDatabases() : sqliteDatabases();
  await databases.start();
  try {
    return await measureOn(databases, options, folder);
  } finally {
    await databases.stop();
  }
}

async function measureOn(databases: Databases, options: FleetOptions, folder: string): Promise<Row[]> {
  const database = { databaseUrl: await databases.make(), keyFile: join(folder, "plane.key") };
  const { organizationId, userId, token } = await createAdmin(database);
  const store = await databases.open(database.databaseUrl);
  say(`${options.runners} runners with ${options.environments} environments each`);
  const seeded = await seedFleet(store, { organizationId, creatorId: userId, ...options });
  await store.close();
  const servers = await Servers.start({ database, folder, count: options.processes, isProxied: options.isProxied });
  const fleet = new Fleet();
  const ending = new AbortController();
  try {
    const connectionBytes = await connectAll(fleet, seeded, servers);
    const bareBytes = await bareConnectionBytes({ ...servers.tls, ca: servers.ca }, bareConnections);
    const latencies = new Latencies();
    for (let n = 0; n < servers.count; n++) await watch({ url: servers.urlOf(n), ca: servers.ca, token, latencies }, ending.signal);
    const people = new People({ url: servers.url, ca: servers.ca, token });
    const loaded = await load(options, { fleet, servers, people, latencies, classIds: seeded.map(({ classId }) => classId) });
    const { environments } = await people.list();
    const marks = new Map(environments.map(({ id, status }) => [id, status?.warningMessage[0]]));
    const lost = [...fleet.written].filter(([id, mark]) => marks.get(id) !== mark).length;
    return rowsOf({ ...loaded, connectionBytes, bareBytes, latencies, lost });
  } finally {
    ending.abort();
    fleet.stop();
    await servers.stop();
  }
}

/** Connects the fleet; what each connection takes of the servers' memory, once they are warm. */
async function connectAll(fleet: Fleet, seeded: readonly SeededRunner[], servers: Servers): Promise<number> {
  const at = { planeUrl: servers.url, ca: servers.ca };
  const warmUp = Math.ceil(seeded.length * warmUpShare);
  const connect = async (some: readonly SeededRunner[], total: number): Promise<number> => {
    await fleet.start(some, at);
    await until(`${total} runners are connected`, () => fleet.connectedCount === total);
    await delay(idleMs);
    return servers.residentBytes();
  };
  const warmBytes = await connect(seeded.slice(0, warmUp), warmUp);
  const rest = seeded.slice(warmUp);
  return rest.length === 0 ? Number.NaN : ((await connect(rest, seeded.length)) - warmBytes) / rest.length;
}

interface Loaded {
  readonly created: readonly number[];
  readonly pages: readonly number[];
  readonly kills: number;
  /** Of all servers, in per cent of one processor. */
  readonly cpuPercent: number;
}

/** Lets statuses change while people create and list, and servers are killed. */
async function load(
  options: FleetOptions,
  world: {
    readonly fleet: Fleet;
    readonly servers: Servers;
    readonly people: People;
    readonly latencies: Latencies;
    readonly classIds: readonly string[];
  },
): Promise<Loaded> {
  const { fleet, servers, people, latencies, classIds } = world;
  const signal = AbortSignal.timeout(options.seconds * 1000);
  const [cpuBefore, beganMs] = [servers.cpuSeconds(), performance.now()];
  say(`statuses change for ${options.seconds} s`);
  const changing = fleet.changeStatuses(options.statusSeconds * 1000, latencies, signal);
  const killing = keepKilling(options, servers, signal);
  // People's calls do not go on by themselves to another server, so they are measured where none is killed.
  const created = options.killSeconds === 0 ? await people.create(classIds, createIntervalMs, signal) : [];
  const pages = options.killSeconds === 0 ? (await people.list()).durations : [];
  await changing;
  const kills = await killing;
  const cpuPercent = kills > 0 ? Number.NaN : ((servers.cpuSeconds() - cpuBefore) / ((performance.now() - beganMs) / 1000)) * 100;
  await until("the plane has every status", () => fleet.pendingCount === 0 && latencies.pending === 0, false);
  return { created, pages, kills, cpuPercent };
}

async function keepKilling({ killSeconds }: FleetOptions, servers: Servers, signal: AbortSignal): Promise<number> {
  let kills = 0;
  while (killSeconds > 0 && !signal.aborted) {
    await delay(killSeconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    say(`server ${kills % servers.count} is killed`);
    await servers.killAndStart(kills % servers.count);
    kills++;
  }
  return kills;
}

function rowsOf({
  created,
  pages,
  kills,
  cpuPercent,
  connectionBytes,
  bareBytes,
  latencies,
  lost,
}: Loaded & { readonly connectionBytes: number; readonly bareBytes: number; readonly latencies: Latencies; readonly lost: number }): Row[] {
  const ms = (values: readonly number[], percent: number): string =>
    values.length === 0 ? "not measured" : `${percentile(values, percent).toFixed(0)} ms`;
  return [
    { what: "statuses told to watchers", measured: String(latencies.values.length), limit: "" },
    { what: "status in to event out, p50", measured: ms(latencies.values, 50), limit: "" },
    { what: "status in to event out, p99", measured: ms(latencies.values, 99), limit: "250 ms" },
    { what: "memory per idle runner connection", measured: `${(connectionBytes / 1000).toFixed(0)} kB`, limit: "60 kB" },
    { what: "the same of Node alone (TLS, HTTP/2, one open stream)", measured: `${(bareBytes / 1000).toFixed(0)} kB`, limit: "" },
    { what: "create environment, p99", measured: ms(created, 99), limit: "100 ms" },
    { what: "page of 100 of all environments, p50", measured: ms(pages, 50), limit: "50 ms" },
    { what: "servers killed", measured: String(kills), limit: "" },
    { what: "statuses lost", measured: String(lost), limit: "0" },
    { what: "statuses nobody was told of", measured: String(latencies.pending), limit: "0" },
    { what: "processor of all servers", measured: Number.isNaN(cpuPercent) ? "not measured" : `${cpuPercent.toFixed(0)} %`, limit: "" },
  ];
}

async function until(what: string, isSo: () => boolean, isNeeded = true): Promise<void> {
  const endMs = performance.now() + settleMs;
  while (!isSo()) {
    if (performance.now() > endMs) {
      if (!isNeeded) return say(`not within ${settleMs / 1000} s: ${what}`);
      throw new Error(`not within ${settleMs / 1000} s: ${what}`);
    }
    await delay(100);
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function table(rows: readonly Row[]): string {
  const all = [{ what: "what", measured: "measured", limit: "limit" }, ...rows];
  const widths = (["what", "measured", "limit"] as const).map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = ({ what, measured, limit }: Row): string =>
    `| ${what.padEnd(widths[0] ?? 0)} | ${measured.padStart(widths[1] ?? 0)} | ${limit.padStart(widths[2] ?? 0)} |`;
  const [head, ...others] = all.map(line);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others].join("\n");
}

const folder = mkdtempSync(join(tmpdir(), "berth-fleet-"));
try {
  const options = parseFleetOptions(process.argv.slice(2));
  bundleSetup();
  // Each server's inspector, through which its garbage is collected, on a port of its own.
  process.env["NODE_OPTIONS"] = `${process.env["NODE_OPTIONS"] ?? ""} --inspect-port=127.0.0.1:0`;
  say(`the server is ${bundlePath}`);
  process.stdout.write(`${table(await measure(options, folder))}\n`);
  process.exitCode = 0;
} catch (error) {
  say(messageOf(error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
