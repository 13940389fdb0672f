import { Command } from "commander";
import { existsSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import { version } from "../lib/version.ts";
import { createFirstAdministrator } from "../plane/membership.ts";
import { copyDurably } from "../plane/store/sqlite/database.ts";
import { type Flags, readConfig } from "./config.ts";
import { stdoutLog } from "./log.ts";
import { openStore } from "./open-store.ts";
import { type RunningServer, serve } from "./serve.ts";
import { serveTrial } from "./trial/serve-trial.ts";

/** The command line of the management plane's server. */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command("berth-plane")
    .description("Berth's management plane as a server: the API for many people, organizations and runners.")
    .version(version, "-V, --version", "print the version")
    .enablePositionalOptions()
    .exitOverride();
  addServe(program, env);
  withDatabase(
    program
      .command("create-admin")
      .description("make the first organization and its administrator, and print a token that is good for a day"),
  )
    .requiredOption("--organization <name>", "name of the organization")
    .requiredOption("--name <name>", "name of the administrator")
    .requiredOption("--email <address>", "their e-mail address")
    .action(async (flags: Flags & { readonly organization: string; readonly name: string; readonly email: string }) => {
      const { organization, name, email, ...others } = flags;
      const config = readConfig(others, env);
      const now = (): number => Date.now();
      const { store } = await openStore({ ...config, now, log: stdoutLog("silent") });
      try {
        const made = await createFirstAdministrator(store, { organization, name, email }, now);
        process.stdout.write(`${JSON.stringify(made)}\n`);
      } finally {
        await store.close();
      }
    });
  withDatabase(program.command("reseal").description("put everything that older keys sealed under the key of --key-file")).action(
    async (flags: Flags) => {
      const config = readConfig(flags, env);
      const { store, sealer } = await openStore({ ...config, now: () => Date.now(), log: stdoutLog("silent") });
      try {
        const resealed = await store.renewSealed((sealed, belongsTo) => sealer.renew(sealed, belongsTo));
        process.stdout.write(`${JSON.stringify({ resealed })}\n`);
      } finally {
        await store.close();
      }
    },
  );
  program
    .command("backup")
    .description("copy a SQLite database, also while it is in use; for PostgreSQL use pg_dump")
    .argument("<database>", "path of the database")
    .argument("<copy>", "path of the copy, which must not be there")
    .action((database: string, copy: string) => {
      if (!existsSync(database)) throw new BerthError("argument-invalid", `there is no file ${database}`);
      if (existsSync(copy)) throw new BerthError("argument-invalid", `${copy} is there already`);
      copyDurably(database, copy);
    });
  return program;
}

function addServe(program: Command, env: NodeJS.ProcessEnv): void {
  withDatabase(program.command("serve").description("serve the API until SIGTERM, then let calls finish"))
    .option("--listen <host:port>", "where the API is (127.0.0.1:7410)")
    .option("--metrics-listen <host:port>", "where /metrics is; beside the API when it is not given")
    .option("--public-url <url>", "where browsers and apps reach it, https://HOST; people can sign in only with it")
    .option("--provider-networks <ranges>", "private networks that identity providers may be in, separated by commas")
    .option("--provider-ca <file>", "certificates in PEM that identity providers are checked by, in place of the system's")
    .option("--provider-allow-http <on|off>", "identity providers without https too; for trials on one computer (off)")
    .option("--dns-servers <addresses>", "who is asked for the records of domains, in place of the system's")
    .option("--session-hours <n>", "how long a browser's session lasts at most, 8 or less (8)")
    .option("--session-idle-minutes <n>", "how long it lasts without use (120)")
    .option("--device-sign-in <on|off>", "whether organizations may let their people sign in with device codes (off)")
    .option("--client-address-header <name>", "behind a proxy: the header in which it says where a request came from")
    .option("--gateway-name <name>", "be a gateway, a way into environments of runners, by this name; see docs/GATEWAY.md")
    .option("--gateway-url <url>", "where people and runners reach this process and no other, https://HOST")
    .option("--gateway-region <region>", "where it is, for people to read")
    .option("--otlp-endpoint <url>", "OpenTelemetry collector (OTLP over HTTP) that gets a span of each call; none without it")
    .option("--trace-share <n>", "of how many calls, from 0 to 1; calls of a trace follow it (1)")
    .option("--tls-cert <file>", "certificate chain in PEM; read again when it changes, or at SIGHUP")
    .option("--tls-key <file>", "its key in PEM")
    .option("--drain-limit-seconds <n>", "how long calls may take to finish after SIGTERM (20)")
    .option("--drain-delay-seconds <n>", "how long requests are still taken after SIGTERM (0)")
    .option("--dev", "for a trial: everything that is needed in a folder, people without passwords, on this computer alone")
    .option("--dev-folder <folder>", "where a trial keeps its things (berth-plane-trial)")
    .action(async ({ dev, devFolder, ...flags }: Flags & { readonly dev?: true; readonly devFolder?: string }) => {
      const server = dev === true ? await startTrial(flags, devFolder, env) : await start(flags, env);
      await new Promise<void>((resolve, reject) => {
        const end = (): void => void server.drain().then(resolve, reject);
        process.on("SIGTERM", end);
        process.on("SIGINT", end);
        process.on("SIGHUP", () => server.reloadTls());
      });
    });
}

async function start(flags: Flags, env: NodeJS.ProcessEnv): Promise<RunningServer> {
  const config = readConfig(flags, env);
  return serve(config, stdoutLog(config.logLevel));
}

async function startTrial(flags: Flags, folder: string | undefined, env: NodeJS.ProcessEnv): Promise<RunningServer> {
  const trial = await serveTrial({ ...flags, ...(folder === undefined ? {} : { folder }) }, env, stdoutLog(flags.logLevel ?? "info"));
  process.stderr.write(`${trial.instructions}
`);
  return trial;
}

function withDatabase(command: Command): Command {
  return command
    .option("--database-url <url>", "postgres://… or the path of a SQLite file")
    .option("--database-url-file <file>", "a file that holds it, for one with a password")
    .option("--key-file <file>", "the key that seals secrets, mode 0600; made when it is not there")
    .option("--old-key-files <files>", "keys it replaces, separated by commas, as long as something may be sealed with them")
    .option("--log-level <level>", "debug, info, warn, error or silent (info)");
}
