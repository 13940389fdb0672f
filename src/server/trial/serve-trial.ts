import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import type { Log } from "../../lib/log.ts";
import { isLoopbackHost } from "../../contract/safe-url.ts";
import { html, pageText } from "../../plane/pages/page.ts";
import { redirectUriOf } from "../../plane/sign-in/sign-in-handler.ts";
import { type Flags, readConfig, type ServerConfig } from "../config.ts";
import type { PlainPages } from "../http-server.ts";
import { openStore } from "../open-store.ts";
import { type RunningServer, serve } from "../serve.ts";
import { prepareTrial } from "./prepare-trial.ts";
import { trialPeople, TrialProvider } from "./trial-provider.ts";

const defaultFolder = "berth-plane-trial";
/** What a trial decides itself. */
const notForTrials = [
  "databaseUrl",
  "databaseUrlFile",
  "keyFile",
  "publicUrl",
  "providerCa",
  "clientAddressHeader",
  "gatewayName",
  "gatewayUrl",
] as const;

export interface RunningTrial extends RunningServer {
  /** Where a person begins, and what they have to know. */
  readonly instructions: string;
}

/**
 * A plane for trying Berth out: SQLite in a folder and an identity provider without passwords, both on loopback. Fails
 * with `argument-invalid` where it could be reached from elsewhere or is meant for production.
 */
export async function serveTrial(flags: Flags & { readonly folder?: string }, env: NodeJS.ProcessEnv, log: Log): Promise<RunningTrial> {
  if (env["NODE_ENV"] === "production") throw new BerthError("argument-invalid", "--dev is for trials, and NODE_ENV is production");
  const { folder = defaultFolder, ...others } = flags;
  for (const name of notForTrials)
    if (others[name] !== undefined) throw new BerthError("argument-invalid", `--dev makes a trial's ${name} itself`);
  const wanted = readConfig(
    { ...others, databaseUrl: join(folder, "plane.sqlite"), keyFile: join(folder, "plane.key") },
    trialEnvironment(env),
  );
  if (!isLoopbackHost(wanted.listen.host))
    throw new BerthError("argument-invalid", `--dev listens on 127.0.0.1 alone, not on ${wanted.listen.host}: anybody is let in`);
  const port = wanted.listen.port === 0 ? await freePort() : wanted.listen.port;
  const provider = await TrialProvider.listen(wanted.listen.port === 0 ? 0 : port + 1);
  try {
    const config = configOf(wanted, port);
    const organizationId = await prepared(config, provider, log);
    await provider.open(redirectUriOf(config.publicUrl, organizationId));
    const server = await serve(config, log, welcome(config.publicUrl));
    log.warn("this is a trial: anybody on this computer can sign in as anybody; never use it for real", { folder });
    return {
      ...server,
      instructions: instructionsFor(config.publicUrl, folder),
      drain: async () => {
        await server.drain();
        await provider.end();
      },
    };
  } catch (error) {
    await provider.end();
    throw error;
  }
}

async function prepared(config: ServerConfig, provider: TrialProvider, log: Log): Promise<string> {
  const now = (): number => Date.now();
  const opened = await openStore({ ...config, now, log });
  try {
    return await prepareTrial(opened, provider, now);
  } finally {
    await opened.store.close();
  }
}

/** Without what the environment says of a real plane on the same computer. */
function trialEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("BERTH_PLANE_") || name === "BERTH_PLANE_LOG_LEVEL"));
}

function configOf(wanted: ServerConfig, port: number): ServerConfig & { readonly publicUrl: URL } {
  return {
    ...wanted,
    listen: { host: "127.0.0.1", port },
    publicUrl: new URL(`http://127.0.0.1:${port}`),
    gatewayName: "trial",
    gatewayUrl: new URL(`http://127.0.0.1:${port}`),
    providerAllowHttp: true,
    providerNetworks: ["127.0.0.0/8", "::1/128"],
    deviceSignIn: true,
  };
}

function welcome(publicUrl: URL): PlainPages {
  const body = html`<p>
      <strong>This is a trial of Berth's management plane.</strong> Anybody on this computer can sign in as anybody. Do not put anything
      real into it.
    </p>
    <p><a href="/auth/sign-in?email=${trialPeople.demo.email}">Sign in</a>, or add ${publicUrl.origin} in the app.</p>`;
  return { "/": async () => ({ status: 200, type: "text/html; charset=utf-8", text: pageText("Berth, for a trial", body) }) };
}

function instructionsFor(publicUrl: URL, folder: string): string {
  const { demo, robin } = trialPeople;
  return [
    "",
    "Berth's management plane, FOR A TRIAL ONLY: anybody on this computer can sign in as anybody.",
    `  open      ${publicUrl.href}`,
    `  sign in   as ${demo.email} (${demo.role}) or ${robin.email} (${robin.role}); there is no password`,
    `  in        ${folder}; delete it to begin anew`,
    "",
  ].join("\n");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return address === null || typeof address === "string" ? 0 : address.port;
}
