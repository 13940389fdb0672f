import { type IncomingMessage, type ServerResponse } from "node:http";
import { silentLog } from "../../../src/lib/log.ts";
import { AuthorizationServer } from "../../../src/plane/authorization-server/authorization-server.ts";
import { Cookies } from "../../../src/plane/sign-in/cookies.ts";
import { BrowserSessions } from "../../../src/plane/sign-in/browser-sessions.ts";
import { SigningKeys } from "../../../src/plane/signing-keys/signing-keys.ts";
import { StoredAuthorizations } from "../../../src/plane/sign-in-store/stored-authorizations.ts";
import { StoredSigningKeys } from "../../../src/plane/sign-in-store/stored-signing-keys.ts";
import { StoredSessions } from "../../../src/plane/sign-in-store/stored-sign-ins.ts";
import { type TestServer, serveOnLoopback } from "./http-server.ts";
import { MemoryMembers, RecordedEvents } from "./memory-members.ts";
import { ThrowawayStore } from "./throwaway-store.ts";
import { type Page, WebBrowser } from "./web-browser.ts";

/** The plane's authorization server on a port of its own; `GET /api` is an API that takes its access tokens. */
export class AuthorizingPlane {
  readonly members = new MemoryMembers();
  readonly events = new RecordedEvents();
  store!: ThrowawayStore;
  /** Added to the clock of the plane. */
  laterMs = 0;
  /** Called when an answer is about to be sent; an answer may be lost so. */
  beforeAnswer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  /** What else is served. */
  serve: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.writeHead(404).end();
  authorization!: AuthorizationServer;
  #browserSessions!: BrowserSessions;
  #server!: TestServer;

  async start({ deviceFlow = false } = {}): Promise<void> {
    this.store = await ThrowawayStore.open();
    this.#server = await serveOnLoopback((request, response) => {
      this.beforeAnswer(request, response);
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    const now = () => Date.now() + this.laterMs;
    this.#browserSessions = new BrowserSessions(new StoredSessions(this.store.store), {}, now);
    this.authorization = this.newServer(deviceFlow);
    this.members.all.set("org-1.account-1", { name: "Ada <b>", email: "ada@example.com" });
  }

  /** As another process of the plane has it. */
  newServer(deviceFlow = false, publicUrl = this.origin): AuthorizationServer {
    const now = () => Date.now() + this.laterMs;
    const cookies = new Cookies(false);
    return new AuthorizationServer({
      publicUrl: new URL(publicUrl),
      keys: new SigningKeys(new StoredSigningKeys(this.store.store), this.store.sealer, "sign-in", now),
      records: new StoredAuthorizations(this.store.store),
      sealing: this.store.sealer,
      members: this.members,
      events: this.events,
      vouching: { wordOn: () => Promise.resolve("none") },
      endAllOf: (subject) => this.authorization.revokeAllOf(subject),
      deviceFlow,
      clientAddress: (request) => request.socket.remoteAddress ?? "",
      log: silentLog,
      now,
      signIn: {
        sessionOf: (request) => this.#browserSessions.find(cookies.get(request.headers.cookie, "berth-session")),
        signInPath: (returnPath) => `/auth/sign-in?${new URLSearchParams({ return_to: returnPath }).toString()}`,
        requireSameOrigin: (request) => {
          if (request.headers.origin !== this.origin) throw new Error("another origin");
        },
      },
    });
  }

  /** A browser of a person who is signed in. */
  async signedInBrowser(accountId = "account-1"): Promise<WebBrowser> {
    const browser = new WebBrowser();
    await this.signInBrowser(browser, accountId);
    return browser;
  }

  async signInBrowser(browser: WebBrowser, accountId: string): Promise<void> {
    const value = await this.#browserSessions.begin({ accountId, organizationId: "org-1", providerId: "provider-1" });
    browser.setCookie(this.origin, "berth-session", value);
  }

  /** Opens an app's address and says yes on the page that asks. */
  async allow(browser: WebBrowser, url: URL | string): Promise<Page> {
    return browser.submit(await browser.open(url), { answer: "allow" });
  }

  get origin(): string {
    return this.#server.origin;
  }

  async end(): Promise<void> {
    await this.#server.end();
    await this.store.end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.authorization.handle(request, response)) return;
    if (request.url !== "/api") {
      this.serve(request, response);
      return;
    }
    const holder = await this.authorization.holderOf((request.headers.authorization ?? "").replace("Bearer ", ""));
    response.writeHead(holder === undefined ? 401 : 200).end(JSON.stringify(holder ?? {}));
  }
}
