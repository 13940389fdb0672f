import { exportJWK, generateKeyPair } from "jose";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import Provider, { type AdapterPayload, type Configuration } from "oidc-provider";
import { answer, formOf } from "../../plane/http-messages.ts";
import { html, pageHeaders, pageText } from "../../plane/pages/page.ts";
import { MemoryAdapter } from "./memory-adapter.ts";

/** The people of a trial, by subject; none has a password. */
export const trialPeople = {
  demo: { name: "Demo", email: "demo@berth.test", role: "an administrator" },
  robin: { name: "Robin", email: "robin@berth.test", role: "a member" },
} as const;
export const trialDomain = "berth.test";
export const trialClientId = "berth";

const scope = "openid email profile offline_access";
const secretBytes = 32;
const dayS = 24 * 60 * 60;
const interactionPath = /^\/sign-in\/[\w-]+$/;

type Subject = keyof typeof trialPeople;

/** An OpenID Connect provider on loopback for trying Berth out: whoever asks is whoever they say. */
export class TrialProvider {
  readonly clientSecret = randomBytes(secretBytes).toString("base64url");
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens; nobody is answered before `open`. Port 0 takes any that is free. */
  static async listen(port: number): Promise<TrialProvider> {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    return new TrialProvider(server);
  }

  /** Another host name than the plane's, so that their cookies are not each other's. */
  get issuer(): string {
    const address = this.#server.address();
    return `http://localhost:${address === null || typeof address === "string" ? 0 : address.port}`;
  }

  /** Answers from now on, for the plane that has this redirect address. */
  async open(redirectUri: string): Promise<void> {
    const provider = new Provider(this.issuer, await configurationFor(this.clientSecret, redirectUri));
    const others = provider.callback();
    this.#server.on("request", (request, response) => {
      const isInteraction = interactionPath.test(request.url ?? "");
      const answered = isInteraction ? interact(provider, request, response) : others(request, response);
      answered.catch(() => answer(response, 400, pageHeaders, pageText("That did not work", html`<p>Begin the sign-in again.</p>`)));
    });
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }
}

async function configurationFor(clientSecret: string, redirectUri: string): Promise<Configuration> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const kept = new Map<string, AdapterPayload>();
  return {
    adapter: (model: string) => new MemoryAdapter(model, kept),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: "trial", alg: "RS256", use: "sig" }] },
    clients: [
      {
        client_id: trialClientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(secretBytes).toString("hex")] },
    pkce: { required: () => true },
    ttl: { AccessToken: dayS, AuthorizationCode: 60, Grant: dayS, IdToken: dayS, Interaction: dayS, Session: dayS, RefreshToken: dayS },
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    features: { devInteractions: { enabled: false } },
    // The plane is its only client, so nobody is asked what it may know.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider } = ctx.oidc;
      const accountId = session?.accountId;
      if (client === undefined || accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId });
      grant.addOIDCScope(scope);
      await grant.save();
      return grant;
    },
    findAccount: (_ctx, sub) => {
      if (!isPerson(sub)) return undefined;
      const { name, email } = trialPeople[sub];
      return { accountId: sub, claims: () => ({ sub, name, email, email_verified: true }) };
    },
  };
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    answer(response, 200, pageHeaders, signInPage(uid));
    return;
  }
  const person = (await formOf(request)).get("person") ?? "";
  if (!isPerson(person)) throw new Error("nobody of the trial");
  await provider.interactionFinished(request, response, { login: { accountId: person } }, { mergeWithLastSubmission: false });
}

function signInPage(uid: string): string {
  const buttons = Object.entries(trialPeople).map(
    ([person, { name, role }]) => html`<p><button name="person" value="${person}">Continue as ${name}, ${role}</button></p>`,
  );
  const body = html`<p>
      <strong>This is a trial.</strong> Whoever uses this computer can be anybody here, without a password. Do not put anything real into
      it.
    </p>
    <form method="post" action="/sign-in/${uid}">${buttons}</form>`;
  return pageText("Sign in to a trial", body);
}

function isPerson(text: string): text is Subject {
  return Object.hasOwn(trialPeople, text);
}
