import { Command } from "commander";
import { existsSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import { version } from "../lib/version.ts";
import { createFirstAdministrator } from "../plane/membership.ts";
import { copyDurably } from "../plane/store/sqlite/database.ts";
import { type Flags, readConfig } from "./config.ts";
import { stdoutLog } from "./log.ts";
import { openStore } from "./open-store.ts";
import { serve } from "./serve.ts";

/** The command line of the management plane's server. */
export function createProgram(env: NodeJS.ProcessEnv): Command {
  const program = new Command("berth-plane")
    .description("Berth's management plane as a server: the API for many people, organizations and runners.")
    .version(version, "-V, --version", "print the version")
    .enablePositionalOptions()
    .exitOverride();
  withDatabase(program.command("serve").description("serve the API until SIGTERM, then let calls finish"))
    .option("--listen <host:port>", "where the API is (127.0.0.1:7410)")
    .option("--metrics-listen <host:port>", "where /metrics is; beside the API when it is not given")
    .option("--tls-cert <file>", "certificate chain in PEM; read again at SIGHUP")
    .option("--tls-key <file>", "its key in PEM")
    .option("--drain-limit-seconds <n>", "how long calls may take to finish after SIGTERM (20)")
    .option("--drain-delay-seconds <n>", "how long requests are still taken after SIGTERM (0)")
    .action(async (flags: Flags) => {
      const config = readConfig(flags, env);
      const server = await serve(config, stdoutLog(config.logLevel));
      await new Promise<void>((resolve, reject) => {
        const end = (): void => void server.drain().then(resolve, reject);
        process.on("SIGTERM", end);
        process.on("SIGINT", end);
        process.on("SIGHUP", () => server.reloadTls());
      });
    });
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

function withDatabase(command: Command): Command {
  return command
    .option("--database-url <url>", "postgres://… or the path of a SQLite file")
    .option("--database-url-file <file>", "a file that holds it, for one with a password")
    .option("--key-file <file>", "the key that seals secrets, mode 0600; made when it is not there")
    .option("--old-key-files <files>", "keys it replaces, separated by commas, as long as something may be sealed with them")
    .option("--log-level <level>", "debug, info, warn, error or silent (info)");
}
