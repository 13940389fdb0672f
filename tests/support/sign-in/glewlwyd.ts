import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { type Page, WebBrowser } from "./web-browser.ts";

/** Debian's script for an empty database, with the user `admin` and the password `password`. */
const schemaPath = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
const modules = "/usr/lib/glewlwyd";
/** nobody and nogroup of Debian. */
const nobody = 65534;
const startTimeoutMs = 20_000;
const scopes = ["openid", "email", "profile"];

/**
 * Glewlwyd of Debian's package as an organization's identity provider: its own process, not as root, on the loopback,
 * with a database of its own. It sends addresses, and nothing about whether they are verified.
 */
export class Glewlwyd {
  readonly #folder = mkdtempSync(join(tmpdir(), "berth-glewlwyd-"));
  readonly #admin = new Api();
  #process: ChildProcess | undefined;
  #origin = "";
  #output = "";

  async start(redirectUri: string): Promise<void> {
    this.#origin = `http://127.0.0.1:${await freePort()}`;
    this.#configure();
    // The package's program does not need root's rights; a plain user's tests run it as that user.
    const who = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
    this.#process = spawn("glewlwyd", ["--config-file", join(this.#folder, "glewlwyd.conf")], {
      ...who,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on("data", (part: Buffer) => (this.#output += part.toString()));
    await this.#untilItAnswers();
    this.#admin.origin = this.#origin;
    await this.#admin.send("POST", "/auth/", { username: "admin", password: "password" });
    for (const name of scopes.slice(1)) await this.#admin.send("POST", "/scope/", scopeOf(name));
    await this.#admin.send("PUT", "/scope/openid", scopeOf("openid"));
    await this.#admin.send("POST", "/mod/plugin/", { module: "oidc", name: "oidc", display_name: "OIDC", parameters: this.#parameters() });
    await this.#admin.send("POST", "/client/", {
      client_id: "berth",
      name: "Berth",
      enabled: true,
      confidential: true,
      client_secret: "secret-of-berth-at-the-provider",
      redirect_uri: [redirectUri],
      authorization_type: ["code"],
      token_endpoint_auth_method: ["client_secret_basic"],
    });
  }

  get issuer(): string {
    return `${this.#origin}/api/oidc`;
  }

  async addPerson(username: string, email: string): Promise<void> {
    const person = { username, name: username, email, password: `password of ${username}`, scope: scopes, enabled: true };
    await this.#admin.send("POST", "/user/", person);
  }

  async disablePerson(username: string): Promise<void> {
    await this.#admin.send("PUT", `/user/${username}`, { name: username, scope: scopes, enabled: false });
  }

  /** New keys, and the old ones are gone. */
  async rotate(): Promise<void> {
    await this.#admin.send("PUT", "/mod/plugin/oidc", {
      module: "oidc",
      name: "oidc",
      display_name: "OIDC",
      parameters: this.#parameters(),
    });
    await this.#admin.send("PUT", "/mod/plugin/oidc/reset/");
  }

  /** What a person does on Glewlwyd's page, which the browser was led to, as the page's script does it. */
  async signIn(browser: WebBrowser, loginPage: Page, username: string): Promise<Page> {
    const api = new Api(browser);
    api.origin = this.#origin;
    await api.send("POST", "/auth/", { username, password: `password of ${username}` });
    await api.send("PUT", "/auth/grant/berth/", { scope: scopes.join(" ") });
    return browser.open(`${loginPage.url.searchParams.get("callback_url") ?? ""}&g_continue`);
  }

  async end(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const closed = Promise.withResolvers<void>();
      child.once("close", () => closed.resolve());
      child.kill("SIGTERM");
      await closed.promise;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configure(): void {
    const databasePath = join(this.#folder, "glewlwyd.db");
    const database = new DatabaseSync(databasePath);
    database.exec(readFileSync(schemaPath, "utf8"));
    database.close();
    const settings = {
      port: Number(new URL(this.#origin).port),
      bind_address: "127.0.0.1",
      external_url: this.#origin,
      login_url: "login.html",
      api_prefix: "api",
      log_mode: "console",
      log_level: "WARNING",
      session_expiration: 3600,
      session_key: "GLEWLWYD2_SESSION_ID",
      cookie_secure: 0,
      admin_scope: "g_admin",
      profile_scope: "g_profile",
      user_module_path: `${modules}/user`,
      client_module_path: `${modules}/client`,
      user_auth_scheme_module_path: `${modules}/scheme`,
      plugin_module_path: `${modules}/plugin`,
      hash_algorithm: "SHA512",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    lines.push("login_api_enabled=true", `database={type="sqlite3";path=${JSON.stringify(databasePath)};};`);
    writeFileSync(join(this.#folder, "glewlwyd.conf"), `${lines.join("\n")}\n`);
    if (process.getuid?.() === 0) for (const path of [this.#folder, databasePath]) chownSync(path, nobody, nobody);
  }

  #parameters(): Record<string, unknown> {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" };
    const off = ["token", "password", "client", "implicit", "none", "device", "refresh"].map((type) => [
      `auth-type-${type}-enabled`,
      false,
    ]);
    return {
      iss: this.issuer,
      "subject-type": "public",
      "allowed-scope": scopes,
      "jwks-private": JSON.stringify({ keys: [key] }),
      "jwks-show": true,
      "jwt-type": "rsa",
      "jwt-key-size": "256",
      "access-token-duration": 600,
      "refresh-token-duration": 3600,
      "code-duration": 60,
      "refresh-token-rolling": false,
      "allow-non-oidc": false,
      "auth-type-code-enabled": true,
      "auth-type-code-revoke-replayed": true,
      ...Object.fromEntries(off),
      "pkce-allowed": true,
      "pkce-method-plain-allowed": false,
      "pkce-required": true,
      "oauth-as-iss-id": true,
      "name-claim": "mandatory",
      "email-claim": "mandatory",
      "scope-claim": "no",
      "request-parameter-allow": false,
    };
  }

  async #untilItAnswers(): Promise<void> {
    const deadlineMs = Date.now() + startTimeoutMs;
    for (;;) {
      const answer = await fetch(`${this.#origin}/config`).catch(() => undefined);
      if (answer !== undefined) return;
      if (this.#process?.exitCode !== null || Date.now() > deadlineMs) throw new Error(`Glewlwyd does not answer: ${this.#output}`);
      await delay(50);
    }
  }
}

/** Glewlwyd's JSON API below `/api`, with a browser's cookies. */
class Api {
  readonly #browser: WebBrowser;
  origin = "";

  constructor(browser = new WebBrowser()) {
    this.#browser = browser;
  }

  async send(method: string, path: string, body?: unknown): Promise<void> {
    const json = body === undefined ? {} : { json: JSON.stringify(body) };
    const page = await this.#browser.open(`${this.origin}/api${path}`, { method, follow: false, ...json });
    if (page.status !== 200) throw new Error(`Glewlwyd answered ${method} ${path} with ${page.status}: ${page.text}`);
  }
}

function scopeOf(name: string) {
  return { name, display_name: name, password_required: true, password_max_age: 0, scheme: {} };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
