import { Resolver } from "node:dns/promises";
import { BerthError } from "../contract/berth-error.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { addressBlock } from "../lib/network/address-block.ts";
import type { HttpRequest, HttpResponse } from "../plane/http-messages.ts";
import { sendErrorPage } from "../plane/pages/page.ts";
import type { Sealer } from "../plane/seal.ts";
import { signInAudit } from "../plane/audit/sign-in-audit.ts";
import { tokenAuthentication } from "../plane/access-tokens.ts";
import { followArchivePolicies } from "../plane/archived-environments.ts";
import type { ServerPlaneOptions } from "../plane/create-server-plane.ts";
import { signInAuthentication } from "../plane/signed-in-caller.ts";
import { SignIn } from "../plane/sign-in.ts";
import { DomainChecks } from "../plane/sign-in-store/domain-checks.ts";
import { StoredAccountLinks } from "../plane/sign-in-store/stored-account-links.ts";
import { StoredMembers } from "../plane/sign-in-store/stored-members.ts";
import { allowsDeviceSignIn, StoredProviders } from "../plane/sign-in-store/stored-providers.ts";
import { DomainVerifier } from "../plane/sign-in/domain-verification.ts";
import type { ProviderDirectory } from "../plane/sign-in/ports.ts";
import type { Store } from "../plane/store/store.ts";
import { type ClientAddress, clientAddressBy } from "./client-address.ts";
import type { ServerConfig } from "./config.ts";
import { type Rate, RateLimiter } from "./rate-limit.ts";

/** Of one address: each asks a provider, so it is more than a page. */
export const signInRate: Rate = { perSecond: 1, burst: 30 };
const signInPath = /^\/auth\/(?:sign-in|callback\/)/;
/** Of one address, behind which a whole office may be: apps ask for three things at a sign-in and for two every ten minutes. */
export const oauthRate: Rate = { perSecond: 20, burst: 200 };
const oauthPath = /^\/oauth(?:\/|$)/;
const sitePath = /^\/(?:auth|oauth|\.well-known)(?:\/|$)/;
/** How often what has ended is removed, and domains are looked at. */
const housekeepingMs = 5 * 60_000;
const msPerMinute = 60_000;
const msPerHour = 60 * msPerMinute;
const dnsTimeoutMs = 3000;
const dnsTries = 2;

/** Answers what browsers and apps ask for while they sign in; false for everything else. */
export type Site = (request: HttpRequest, response: HttpResponse) => Promise<boolean>;

interface Needs {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly log: Log;
  readonly now: () => number;
}

interface SigningIn {
  /** What the plane needs of it. */
  readonly ofPlane: Pick<ServerPlaneOptions, "authenticate" | "providers" | "domainVerifier" | "signIn">;
  /** What the server answers by. */
  readonly ofServer: { readonly clientAddress: ClientAddress; readonly site?: Site };
  /** Removes what has ended and looks at domains, every few minutes until the signal aborts. */
  keepHouse(signal: AbortSignal): void;
}

/** Who calls and how people sign in, as the server's settings say: by tokens alone without a public address. */
export function createSigningIn(needs: Needs): SigningIn {
  const { config, store, sealer, log, now } = needs;
  const clientAddress = clientAddressBy(config.clientAddressHeader);
  const providers = new StoredProviders(store, sealer);
  const signIn = createSignIn(needs, providers, clientAddress);
  const verifier = domainVerifier(config);
  const domains = new DomainChecks({ store, verifier, log, now });
  const byToken = tokenAuthentication({ store, now, log });
  const bySignIn = signIn === undefined ? undefined : signInAuthentication({ signIn, store });
  return {
    ofPlane: {
      authenticate: bySignIn === undefined ? byToken : async (headers) => (await byToken(headers)) ?? bySignIn(headers),
      providers,
      domainVerifier: verifier,
      ...(signIn === undefined ? {} : { signIn }),
    },
    ofServer: { clientAddress, ...(signIn === undefined ? {} : { site: signInSite(signIn, clientAddress, now) }) },
    keepHouse: (signal) => keepHouse({ signIn, domains, policies: async () => followArchivePolicies(store, now, signal), log, signal }),
  };
}

function createSignIn(
  { config, store, sealer, log, now }: Needs,
  providers: ProviderDirectory,
  clientAddress: ClientAddress,
): SignIn | undefined {
  const { publicUrl, providerCa } = config;
  if (publicUrl === undefined) return undefined;
  return new SignIn({
    store,
    sealing: sealer,
    publicUrl,
    providers,
    accounts: new StoredAccountLinks(store, now),
    members: new StoredMembers(store, (organizationId) => allowsDeviceSignIn(store, organizationId)),
    events: signInAudit({ store, log, now }),
    outbound: {
      allowHttp: config.providerAllowHttp,
      allowedNetworks: config.providerNetworks,
      ...(providerCa === undefined ? {} : { certificateAuthorities: providerCa }),
    },
    sessionLimits: { absoluteMs: config.sessionHours * msPerHour, idleMs: config.sessionIdleMinutes * msPerMinute },
    deviceFlow: config.deviceSignIn,
    clientAddress,
    log,
    now,
  });
}

/** The pages of signing in, with limits for each address. */
export function signInSite(signIn: Pick<SignIn, "handle">, clientAddress: ClientAddress, now: () => number): Site {
  const limits = [
    { paths: signInPath, limiter: new RateLimiter(signInRate, now), refusal: "too many sign-ins were begun from this address" },
    { paths: oauthPath, limiter: new RateLimiter(oauthRate, now), refusal: "apps asked too much from this address" },
  ];
  return async (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    if (!sitePath.test(path)) return false;
    const reached = limits.find(({ paths, limiter }) => paths.test(path) && !limiter.take(addressBlock(clientAddress(request))));
    if (reached === undefined) return signIn.handle(request, response);
    sendErrorPage(response, new BerthError("rate-limited", reached.refusal), "/auth/sign-in");
    return true;
  };
}

/** Domains by the DNS servers of the settings, or the system's. */
function domainVerifier({ dnsServers }: ServerConfig): DomainVerifier {
  const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: dnsTries });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);
  return new DomainVerifier(resolver);
}

function keepHouse(options: {
  readonly signIn: SignIn | undefined;
  readonly domains: DomainChecks;
  /** Does what organizations' policies say of environments that nobody uses. */
  readonly policies: () => Promise<void>;
  readonly log: Log;
  readonly signal: AbortSignal;
}): void {
  const { signIn, domains, policies, log, signal } = options;
  let running = false;
  const round = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      while (!signal.aborted && (await signIn?.removeExpired()) === true);
      await domains.checkDue(signal);
      await policies();
    } catch (error) {
      log.warn("what has ended was not removed", { reason: messageOf(error) });
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void round(), housekeepingMs);
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
