import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";

const execute = promisify(execFile);
const startLimitMs = 30_000;
const packagesFolder = "/usr/lib/postgresql";

/** Whom the server runs as, where it is not this process's user. */
interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** A PostgreSQL server of its own that is gone when it is stopped; it listens on a unix socket alone. */
export class ThrowawayPostgres {
  readonly #folder: string;
  readonly #port: number;
  readonly #bin: string;
  readonly #user: ServerUser;

  private constructor(options: { folder: string; port: number; bin: string; user: ServerUser }) {
    this.#folder = options.folder;
    this.#port = options.port;
    this.#bin = options.bin;
    this.#user = options.user;
  }

  /** The server refuses to run as root; then it runs as the user that its package made. */
  static async start(): Promise<ThrowawayPostgres> {
    const bin = await binFolder();
    const user: ServerUser = process.getuid?.() === 0 ? await userOf("postgres") : {};
    const folder = mkdtempSync(join(tmpdir(), "berth-pg-"));
    if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
    const port = 40_000 + Math.floor(Math.random() * 20_000);
    const server = new ThrowawayPostgres({ folder, port, bin, user });
    try {
      const arguments_ = ["-D", join(folder, "data"), "-U", "berth", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
      await execute(join(bin, "initdb"), arguments_, { cwd: folder, ...user });
      await server.begin();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Starts the server, for the first time or after `halt`. */
  async begin(): Promise<void> {
    const options = `-k ${this.#folder} -p ${this.#port} -c listen_addresses= -c fsync=off -c max_connections=200`;
    await this.#control(["start", "-w", "-t", String(startLimitMs / 1000), "-l", join(this.#folder, "log"), "-o", options]);
  }

  /** Ends the server and every connection at once; the data stays. */
  async halt(): Promise<void> {
    await this.#control(["stop", "-m", "immediate"]);
  }

  /** A new database, as an address. */
  async database(): Promise<string> {
    const name = `t${randomBytes(6).toString("hex")}`;
    const client = new Client({ connectionString: this.urlOf("postgres") });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return this.urlOf(name);
  }

  urlOf(name: string): string {
    return `postgres://berth@/${name}?host=${encodeURIComponent(this.#folder)}&port=${this.#port}`;
  }

  async stop(): Promise<void> {
    await this.halt().catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The server inherits the outputs of `pg_ctl`, so they are not waited for. */
  async #control(commandLine: readonly string[]): Promise<void> {
    const child = spawn(join(this.#bin, "pg_ctl"), ["-D", join(this.#folder, "data"), ...commandLine], {
      cwd: this.#folder,
      stdio: "ignore",
      ...this.#user,
    });
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve));
    if (code !== 0) throw new Error(`pg_ctl ${commandLine[0]} ended with ${code}; see ${this.#folder}/log`);
  }
}

async function binFolder(): Promise<string> {
  const versions = existsSync(packagesFolder) ? readdirSync(packagesFolder).toSorted((a, b) => Number(b) - Number(a)) : [];
  const packaged = versions.map((version) => join(packagesFolder, version, "bin")).find((folder) => existsSync(join(folder, "initdb")));
  if (packaged !== undefined) return packaged;
  const { stdout } = await execute("pg_config", ["--bindir"]).catch(() => {
    throw new Error("PostgreSQL is not installed: npm run setup -- --test");
  });
  return stdout.trim();
}

async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => Number((await execute("id", [flag, name])).stdout)));
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${name}`);
  return { uid, gid };
}
