import type { EventEmitter } from "node:events";
import { answer, formOf, type HttpRequest, type HttpResponse, plainPath } from "../http-messages.ts";
import Provider, { type KoaContextWithOIDC, errors } from "oidc-provider";
import { BerthError } from "../../contract/berth-error.ts";
import { authorizationServerPath, nativeClientId } from "../../contract/native-client.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { addressBlock } from "../../lib/network/address-block.ts";
import { html, pageHeaders, sendErrorPage, sendPage } from "../pages/page.ts";
import { type Session } from "../sign-in/ports.ts";
import { type SigningKeys } from "../signing-keys/signing-keys.ts";
import { type ConfigurationNeeds, configurationFor } from "./configuration.ts";
import { type AccessTokenHolder } from "./ports.ts";
import { RateLimit } from "./rate-limit.ts";
import { type Subject, parseSubject, subjectText } from "./subject.ts";

/** A browser's older session is renewed at its provider first, so that the app's sign-in has its full time. */
const freshSessionMs = 15 * 60_000;
/** Of one address; a code is good for ten minutes and has 20^8 forms (RFC 8628 §5.1). */
const codeTriesPerMinute = 20;
const maxUrlLength = 8192;
/** oidc-provider knows its routes in capital letters too. */
const route = /^(?:\/\.?[a-z][a-z-]*(?:\/[\w.~-]+)*)?$/;

/** The part of the browsers' sign-in in use. */
export interface BrowserSignIn {
  sessionOf(request: HttpRequest): Promise<Session | undefined>;
  signInPath(returnPath: string, providerId?: string): string;
  requireSameOrigin(request: HttpRequest): void;
}

export interface AuthorizationServerNeeds extends Omit<ConfigurationNeeds, "isSecure"> {
  readonly publicUrl: URL;
  readonly keys: SigningKeys;
  readonly signIn: BrowserSignIn;
  /** The address of whoever sent a request; behind a proxy the operator knows which header to believe. */
  readonly clientAddress: (request: HttpRequest) => string;
  readonly log: Log;
}

/**
 * The plane's own OAuth 2 server below `/oauth`, for desktops and command lines. `handle` answers false, and does
 * nothing, for other paths.
 */
export class AuthorizationServer {
  readonly #needs: AuthorizationServerNeeds;
  readonly #codeTries: RateLimit;
  #running: { readonly kids: string; readonly provider: Provider; readonly answer: ReturnType<Provider["callback"]> } | undefined;

  constructor(needs: AuthorizationServerNeeds) {
    this.#needs = needs;
    this.#codeTries = new RateLimit(codeTriesPerMinute, 60_000, needs.now);
  }

  async handle(request: HttpRequest, response: HttpResponse): Promise<boolean> {
    const [path = ""] = (request.url ?? "").split("?");
    if (path !== authorizationServerPath && !path.startsWith(`${authorizationServerPath}/`)) return false;
    try {
      if ((request.url ?? "").length > maxUrlLength)
        throw new BerthError("request-invalid", `the address is longer than ${maxUrlLength} characters`);
      const provider = await this.#provider();
      if (/^\/oauth\/interaction\/[\w-]+$/.test(path)) await this.#interact(provider, request, response);
      else await this.#serve(provider, request, response);
    } catch (error) {
      this.#answerFailure(response, error);
    }
    return true;
  }

  /** Who an access token speaks for; nothing when it is not valid, or not any more. */
  async holderOf(accessToken: string): Promise<AccessTokenHolder | undefined> {
    const provider = await this.#provider();
    const token = await provider.AccessToken.find(accessToken);
    const subject = parseSubject(token?.accountId);
    if (token === undefined || subject === undefined || token.isExpired || token.grantId === undefined) return undefined;
    // A token that was on its way when its family ended has no grant.
    if ((await provider.Grant.find(token.grantId)) === undefined) return undefined;
    return { ...subject, clientId: token.clientId ?? "", expiresAtMs: (token.exp ?? 0) * 1000 };
  }

  /** Ends all sign-ins of apps of a member, e.g. when it is removed. */
  async revokeAllOf(subject: Subject): Promise<void> {
    await this.#needs.records.removeBySubject(subjectText(subject));
  }

  /** oidc-provider keeps its keys for life, so new keys are a new one; all its state is in the store. */
  async #provider(): Promise<Provider> {
    const kids = (await this.#needs.keys.kids()).join(" ");
    if (this.#running?.kids === kids) return this.#running.provider;
    const { publicUrl, log, keys } = this.#needs;
    const issuer = new URL(authorizationServerPath, publicUrl).href;
    const isSecure = publicUrl.protocol === "https:";
    const provider = new Provider(issuer, configurationFor({ ...this.#needs, isSecure }, await keys.privateJwks()));
    // What it then believes are headers that #setOrigin has set.
    provider.proxy = true;
    provider.on("grant.success", (ctx) => this.#tellSignedIn(ctx));
    // Without a listener Koa writes them to stderr: connections that break, which whoever connects can make.
    const koa: EventEmitter = provider;
    koa.on("error", (error) => log.info("a request to the authorization server broke off", { reason: messageOf(error) }));
    provider.on("server_error", (_ctx, error) => log.error("the authorization server failed", { error: messageOf(error) }));
    this.#running = { kids, provider, answer: provider.callback() };
    return provider;
  }

  async #serve(provider: Provider, request: HttpRequest, response: HttpResponse): Promise<void> {
    const path = plainPath(request)?.slice(authorizationServerPath.length);
    if (path === undefined || !route.test(path)) return answer(response, 404, pageHeaders);
    this.#setOrigin(request);
    if (request.method === "POST" && path === "/device" && !this.#codeTries.take(addressBlock(this.#needs.clientAddress(request))))
      throw new BerthError("rate-limited", `more than ${codeTriesPerMinute} codes in a minute`);
    // Who is signed in is the plane's own session; what oidc-provider remembers of an earlier person counts for nothing.
    if (/^\/auth(\/|$)/.test(path) || (request.method !== "POST" && path === "/device"))
      dropCookie(request, provider.cookieName("session"));
    const query = /\?.*$/.exec(request.url ?? "")?.[0] ?? "";
    const mounted = Object.assign(request, { originalUrl: request.url, url: `${path === "" ? "/" : path}${query}` });
    await this.#running?.answer(mounted, response);
  }

  /** oidc-provider takes its own address from these; a client's are thrown away. */
  #setOrigin(request: HttpRequest): void {
    const { publicUrl, clientAddress } = this.#needs;
    const address = clientAddress(request);
    request.headers["x-forwarded-proto"] = publicUrl.protocol.replace(":", "");
    request.headers["x-forwarded-host"] = publicUrl.host;
    request.headers["x-forwarded-for"] = address;
    request.headers.host = publicUrl.host;
  }

  async #interact(provider: Provider, request: HttpRequest, response: HttpResponse): Promise<void> {
    this.#setOrigin(request);
    const { signIn, members, now } = this.#needs;
    const interaction = await provider.interactionDetails(request, response);
    const path = `${authorizationServerPath}/interaction/${interaction.uid}`;
    const session = await signIn.sessionOf(request);
    if (session === undefined || now() - session.createdAtMs >= freshSessionMs) {
      answer(response, 303, { ...pageHeaders, location: signIn.signInPath(path, session?.providerId) });
      return;
    }
    const member = await members.find(session.organizationId, session.accountId);
    if (member === undefined) throw new BerthError("sign-in-account-disabled", "it was turned off");
    const isDevice = interaction.deviceCode !== undefined;
    if (isDevice && !(await members.allowsDeviceSignIn(session.organizationId)))
      throw new BerthError("device-sign-in-off", "your organization does not allow it");
    if (request.method === "GET") return this.#ask(response, path, member, isDevice);
    if (request.method !== "POST") throw new BerthError("request-invalid", "only GET and POST are known here");
    signIn.requireSameOrigin(request);
    const form = await formOf(request);
    const result =
      form.get("answer") === "allow"
        ? await this.#allow(provider, session)
        : { error: "access_denied", error_description: "the person said no" };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  #ask(response: HttpResponse, path: string, member: { readonly name: string; readonly email: string }, isDevice: boolean): void {
    const where = isDevice ? "The device that shows the code" : "An app on this computer";
    const body = html`<p>${where} asks to use Berth as <strong>${member.name}</strong> (${member.email}).</p>
      <p>Allow it only if you have just begun to sign in there.</p>
      <form method="post" action="${path}">
        <button name="answer" value="allow">Allow</button>
        <button name="answer" value="deny">Do not allow</button>
      </form>`;
    sendPage(response, 200, "Sign in the app?", body);
  }

  async #allow(provider: Provider, session: Session) {
    const subject = subjectText(session);
    const grant = new provider.Grant({ accountId: subject, clientId: nativeClientId });
    grant.addOIDCScope("openid offline_access");
    const grantId = await grant.save();
    const ts = Math.floor(session.createdAtMs / 1000);
    return { login: { accountId: subject, ts, remember: false }, consent: { grantId } };
  }

  #tellSignedIn(ctx: KoaContextWithOIDC): void {
    const { AuthorizationCode: code, DeviceCode: deviceCode } = ctx.oidc.entities;
    const subject = parseSubject((code ?? deviceCode)?.accountId);
    if (subject !== undefined)
      this.#needs.events.signedIn({ ...subject, through: deviceCode === undefined ? "app" : "device code", address: ctx.ip });
  }

  #answerFailure(response: HttpResponse, error: unknown): void {
    const { log } = this.#needs;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof errors.SessionNotFound) {
      sendErrorPage(response, new BerthError("sign-in-expired", "begin again in the app"), "/auth/sign-in");
      return;
    }
    const expected = error instanceof BerthError;
    if (!expected) log.error("the sign-in of an app failed", { error: messageOf(error) });
    sendErrorPage(response, expected ? error : new BerthError("internal", "see the plane's log"), "/auth/sign-in");
  }
}

function dropCookie(request: HttpRequest, name: string): void {
  const parts = (request.headers.cookie ?? "").split(";").map((part) => part.trim());
  request.headers.cookie = parts.filter((part) => !part.startsWith(`${name}=`)).join("; ");
}
