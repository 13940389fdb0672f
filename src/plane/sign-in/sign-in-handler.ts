import { answer, type HttpRequest, type HttpResponse, plainPath } from "../http-messages.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { html, pageHeaders, sendErrorPage, sendPage } from "../pages/page.ts";
import { accountFor } from "./account-mapping.ts";
import { type BrowserSessions, keyOf } from "./browser-sessions.ts";
import { Cookies } from "./cookies.ts";
import { normalEmail } from "./email-domain.ts";
import {
  type AccountLinks,
  type ProviderConfiguration,
  type ProviderDirectory,
  type Session,
  type SignInEvents,
  type SignInStates,
} from "./ports.ts";
import { type RelyingParty } from "./relying-party.ts";
import { safeReturnPath } from "./return-path.ts";
import { hashOf, newSecret } from "./secret.ts";
import type { Vouching } from "./vouching.ts";

/** From leaving for the provider to coming back. */
const signInLifetimeMs = 10 * 60_000;
const maxUrlLength = 8192;
const browserCookie = "berth-browser";
const sessionCookie = "berth-session";
/** The header in which a page sends the key of its session to the API. */
export const sessionKeyHeader = "berth-session-key";

export interface SignInOptions {
  /** Where browsers reach the plane; its origin decides about cookies, redirects and who may post. */
  readonly publicUrl: URL;
  readonly providers: ProviderDirectory;
  readonly states: SignInStates;
  readonly sessions: BrowserSessions;
  readonly accounts: AccountLinks;
  readonly relyingParty: RelyingParty;
  readonly vouching: Vouching;
  readonly events: SignInEvents;
  readonly clientAddress: (request: HttpRequest) => string;
  readonly log: Log;
  readonly now: () => number;
}

/** The address that an organization registers at its provider; its own, so that answers cannot be mixed up (RFC 9700 §2.1). */
export function redirectUriOf(publicUrl: URL, organizationId: string): string {
  return new URL(`/auth/callback/${encodeURIComponent(organizationId)}`, publicUrl).href;
}

/**
 * `/auth/sign-in`, `/auth/callback/<organization>`, `/auth/session` and `/auth/sign-out`: the sign-in of browsers.
 * `handle` answers false, and does nothing, for other paths.
 */
export class SignInHandler {
  readonly #options: SignInOptions;
  readonly #cookies: Cookies;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#cookies = new Cookies(options.publicUrl.protocol === "https:");
  }

  async handle(request: HttpRequest, response: HttpResponse): Promise<boolean> {
    const url = URL.parse(request.url ?? "", this.#options.publicUrl.href);
    if (url === null || !url.pathname.startsWith("/auth/")) return false;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      if ((request.url ?? "").length > maxUrlLength)
        throw new BerthError("request-invalid", `the address is longer than ${maxUrlLength} characters`);
      await this.#route(request, response, url, gone.signal);
    } catch (error) {
      this.#answerFailure(response, error);
    }
    return true;
  }

  /** The session of a browser's request to a page; a request to the API takes `apiSessionOf`. */
  sessionOf(request: HttpRequest): Promise<Session | undefined> {
    return this.#options.sessions.find(this.#cookies.get(request.headers.cookie, sessionCookie));
  }

  /** The session of a request to the API, which needs the key in a header beside the cookie. */
  apiSessionOf(headers: { readonly cookie: string | undefined; readonly key: string | undefined }): Promise<Session | undefined> {
    return this.#options.sessions.findForApi(this.#cookies.get(headers.cookie, sessionCookie), headers.key);
  }

  /** The path that signs somebody in, with a provider when it is known, and leads back to `returnPath`. */
  signInPath(returnPath: string, providerId?: string): string {
    const query = { return_to: returnPath, ...(providerId === undefined ? {} : { provider: providerId }) };
    return `/auth/sign-in?${new URLSearchParams(query).toString()}`;
  }

  async #route(request: HttpRequest, response: HttpResponse, url: URL, signal: AbortSignal): Promise<void> {
    const route = `${request.method} ${plainPath(request) ?? ""}`;
    if (route === "GET /auth/sign-in") return this.#begin(request, response, url, signal);
    if (route === "GET /auth/session") return this.#tellSession(request, response);
    if (route === "POST /auth/sign-out") return this.#signOut(request, response, signal);
    const [, organizationId] = /^GET \/auth\/callback\/([\w.-]+)$/.exec(route) ?? [];
    if (organizationId !== undefined) return this.#complete(request, response, url, organizationId, signal);
    answer(response, 404, pageHeaders);
  }

  async #begin(request: HttpRequest, response: HttpResponse, url: URL, signal: AbortSignal): Promise<void> {
    const returnPath = safeReturnPath(url.searchParams.get("return_to"));
    const parsed = normalEmail(url.searchParams.get("email") ?? "");
    const chosen = await this.#choose(url.searchParams.get("provider"), parsed?.domain);
    const [provider] = chosen;
    if (url.searchParams.get("email") === null && provider === undefined) return this.#askAddress(response, returnPath);
    if (provider === undefined) throw new BerthError("sign-in-provider-unknown", "check the address after the @");
    if (chosen.length > 1) return this.#askProvider(response, chosen, returnPath);
    const { relyingParty, publicUrl, states, now } = this.#options;
    const redirectUri = redirectUriOf(publicUrl, provider.organizationId);
    const { url: target, checks } = await relyingParty.begin(provider, redirectUri, parsed?.email, signal);
    // One cookie for all sign-ins of a browser, so that two windows do not end each other's.
    const browser = this.#cookies.get(request.headers.cookie, browserCookie) ?? newSecret();
    await states.put({
      stateHash: hashOf(checks.state),
      providerId: provider.id,
      browserHash: hashOf(browser),
      nonce: checks.nonce,
      codeVerifier: checks.codeVerifier,
      returnPath,
      expiresAtMs: now() + signInLifetimeMs,
    });
    const cookie = this.#cookies.set(browserCookie, browser, signInLifetimeMs);
    answer(response, 302, { ...pageHeaders, location: target.href, "set-cookie": cookie });
  }

  async #choose(providerId: string | null, domain: string | undefined): Promise<readonly ProviderConfiguration[]> {
    const { providers } = this.#options;
    if (providerId !== null) {
      const provider = await providers.byId(providerId);
      if (provider?.enabled !== true) throw new BerthError("sign-in-provider-unknown", "it was turned off, or never was");
      return [provider];
    }
    const found = domain === undefined ? [] : await providers.byVerifiedDomain(domain);
    return found.filter((one) => one.enabled && domain !== undefined && one.verifiedDomains.includes(domain));
  }

  async #complete(request: HttpRequest, response: HttpResponse, url: URL, organizationId: string, signal: AbortSignal): Promise<void> {
    const { states, providers, relyingParty, publicUrl, accounts, sessions, now } = this.#options;
    const parameters = url.searchParams;
    const browser = this.#cookies.get(request.headers.cookie, browserCookie);
    const stateText = parameters.get("state");
    if (stateText === null || browser === undefined) throw new BerthError("sign-in-expired", "this browser has not begun it");
    const state = await states.take(hashOf(stateText));
    if (state === undefined || now() >= state.expiresAtMs) throw new BerthError("sign-in-expired", "it took too long or was used before");
    if (state.browserHash !== hashOf(browser)) throw new BerthError("sign-in-expired", "it was begun in another browser");
    const provider = await providers.byId(state.providerId);
    if (provider?.enabled !== true) throw new BerthError("sign-in-provider-unknown", "it was turned off meanwhile");
    if (provider.organizationId !== organizationId)
      throw new BerthError("sign-in-provider-untrusted", "the answer is another provider's than the one that was asked");
    const callbackUrl = new URL(redirectUriOf(publicUrl, provider.organizationId));
    callbackUrl.search = url.search;
    const checks = { state: stateText, nonce: state.nonce, codeVerifier: state.codeVerifier };
    const { identity, refreshToken } = await relyingParty.complete(provider, callbackUrl, checks, signal);
    const accountId = await accountFor(accounts, provider, identity);
    // A new value at each sign-in: one that somebody planted before is worth nothing.
    await sessions.end(this.#cookies.get(request.headers.cookie, sessionCookie));
    const who = { accountId, organizationId: provider.organizationId };
    await this.#options.vouching.keep(who, provider, identity, refreshToken);
    const value = await sessions.begin({ ...who, providerId: provider.id });
    this.#options.events.signedIn({ ...who, through: "browser", address: this.#options.clientAddress(request) });
    const cookies = [this.#cookies.set(sessionCookie, value, sessions.absoluteMs), this.#cookies.clear(browserCookie)];
    answer(response, 303, { ...pageHeaders, location: state.returnPath, "set-cookie": cookies });
  }

  /** For the page's own script: who is signed in, and the key to the API. Other origins cannot read it. */
  async #tellSession(request: HttpRequest, response: HttpResponse): Promise<void> {
    const value = this.#cookies.get(request.headers.cookie, sessionCookie);
    const session = await this.#options.sessions.find(value);
    const headers = { ...pageHeaders, "content-type": "application/json" };
    if (value === undefined || session === undefined) {
      answer(response, 401, headers, "{}");
      return;
    }
    const { accountId, organizationId, expiresAtMs } = session;
    answer(response, 200, headers, JSON.stringify({ accountId, organizationId, expiresAtMs, key: keyOf(value) }));
  }

  async #signOut(request: HttpRequest, response: HttpResponse, signal: AbortSignal): Promise<void> {
    this.requireSameOrigin(request);
    const value = this.#cookies.get(request.headers.cookie, sessionCookie);
    const session = await this.#options.sessions.find(value);
    await this.#options.sessions.end(value);
    response.setHeader("set-cookie", this.#cookies.clear(sessionCookie));
    if (session !== undefined) {
      const { organizationId, accountId } = session;
      this.#options.events.signedOut({ organizationId, accountId, address: this.#options.clientAddress(request) });
    }
    const provider = session === undefined ? undefined : await this.#options.providers.byId(session.providerId);
    const elsewhere = provider === undefined ? undefined : await this.#options.relyingParty.signOutUrl(provider, signal);
    const link =
      elsewhere === undefined ? html`` : html`<p><a href="${elsewhere.href}">Sign out of ${provider?.displayName ?? ""} too</a></p>`;
    sendPage(
      response,
      200,
      "You are signed out",
      html`${link}
        <p><a href="/auth/sign-in">Sign in again</a></p>`,
    );
  }

  /** Browsers say where a form comes from; one of another site's page may not be sent (CSRF). */
  requireSameOrigin({ headers }: HttpRequest): void {
    const site = headers["sec-fetch-site"];
    const isOwn = site === undefined ? headers.origin === this.#options.publicUrl.origin : site === "same-origin";
    if (!isOwn) throw new BerthError("sign-in-refused", "the request came from a page of another site");
  }

  #askAddress(response: HttpResponse, returnPath: string): void {
    const body = html`<form method="get" action="/auth/sign-in">
      <label>Your e-mail address at work<input type="email" name="email" autocomplete="email" required autofocus /></label>
      <input type="hidden" name="return_to" value="${returnPath}" />
      <button>Continue</button>
    </form>`;
    sendPage(response, 200, "Sign in", body);
  }

  #askProvider(response: HttpResponse, providers: readonly ProviderConfiguration[], returnPath: string): void {
    const links = providers.map(({ id, displayName }) => {
      const query = new URLSearchParams({ provider: id, return_to: returnPath });
      return html`<p><a href="/auth/sign-in?${query.toString()}">Continue with ${displayName}</a></p>`;
    });
    sendPage(response, 200, "Sign in", html`${links}`);
  }

  #answerFailure(response: HttpResponse, error: unknown): void {
    const expected = error instanceof BerthError;
    const { log } = this.#options;
    if (expected) log.info("sign-in was refused", { code: error.code, detail: error.detail, cause: messageOf(error.cause ?? "") });
    else log.error("sign-in failed", { error: messageOf(error) });
    if (response.headersSent) response.destroy();
    else sendErrorPage(response, expected ? error : new BerthError("internal", "see the plane's log"), "/auth/sign-in");
  }
}
