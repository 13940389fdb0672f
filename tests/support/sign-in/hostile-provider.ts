import { type webcrypto } from "node:crypto";
import { type IncomingMessage, type ServerResponse } from "node:http";
import { type JWTPayload, type JWK, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";
import { type TestServer, serveOnLoopback } from "./http-server.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
interface SigningKey {
  readonly kid: string;
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
  readonly jwk: JWK;
}

/** An identity provider that follows the rules until a test changes one thing. Everybody is `victim` here. */
export class HostileProvider {
  /** Changes the claims of the next ID tokens. */
  claims: (claims: JWTPayload) => JWTPayload = (claims) => claims;
  /** Signs an ID token; RS256 with the newest key unless a test says otherwise. */
  sign: (claims: JWTPayload) => Promise<string> | string = (claims) => this.signWith(this.key, claims);
  /** Answers a path in place of what the provider would. */
  readonly instead = new Map<string, Answer>();
  /** Changes the discovery document. */
  metadata: (document: Record<string, unknown>) => Record<string, unknown> = (document) => document;
  /** Changes the query of the browser's way back. */
  callback: (query: URLSearchParams) => void = () => undefined;
  readonly requests: string[] = [];
  key!: SigningKey;
  published: SigningKey[] = [];
  #server!: TestServer;
  readonly #codes = new Map<string, { nonce: string | null; challenge: string | null; used: boolean }>();

  async start(): Promise<void> {
    this.#server = await serveOnLoopback((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    await this.rotate();
  }

  get issuer(): string {
    return this.#server.origin;
  }

  /** A new key, and the old one is gone at once. */
  async rotate(): Promise<void> {
    this.key = await newKey();
    this.published = [this.key];
  }

  signWith({ privateKey, kid }: SigningKey, claims: JWTPayload): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(privateKey);
  }

  /** With no signature at all. */
  unsigned(claims: JWTPayload): string {
    return new UnsecuredJWT(claims).encode();
  }

  /** With the public key taken for a shared secret. */
  async signWithPublicKey(claims: JWTPayload): Promise<string> {
    const pem = await exportSPKI(this.key.publicKey);
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: this.key.kid }).sign(new TextEncoder().encode(pem));
  }

  async signWithForeignKey(claims: JWTPayload): Promise<string> {
    return this.signWith({ ...(await newKey()), kid: this.key.kid }, claims);
  }

  end(): Promise<void> {
    return this.#server.end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.issuer);
    this.requests.push(`${request.method} ${url.pathname}`);
    const instead = this.instead.get(url.pathname);
    if (instead !== undefined) return instead(request, response);
    if (url.pathname === "/.well-known/openid-configuration") return sendJson(response, this.metadata(this.#document()));
    if (url.pathname === "/jwks") return sendJson(response, { keys: this.published.map(({ jwk }) => jwk) });
    if (url.pathname === "/authorize") return this.#authorize(url, response);
    if (url.pathname === "/token") return this.#token(await bodyOf(request), response);
    response.writeHead(404).end();
  }

  #document(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorize(url: URL, response: ServerResponse): void {
    const asked = url.searchParams;
    const code = crypto.randomUUID();
    this.#codes.set(code, { nonce: asked.get("nonce"), challenge: asked.get("code_challenge"), used: false });
    const back = new URL(asked.get("redirect_uri") ?? "");
    for (const [name, value] of [
      ["code", code],
      ["state", asked.get("state") ?? ""],
      ["iss", this.issuer],
    ] as const)
      back.searchParams.set(name, value);
    this.callback(back.searchParams);
    response.writeHead(302, { location: back.href }).end();
  }

  async #token(body: URLSearchParams, response: ServerResponse): Promise<void> {
    const code = this.#codes.get(body.get("code") ?? "");
    const verifier = body.get("code_verifier") ?? "";
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))).toString("base64url");
    if (code === undefined || code.used || digest !== code.challenge) return sendJson(response, { error: "invalid_grant" }, 400);
    code.used = true;
    const nowS = Math.floor(Date.now() / 1000);
    const person = { sub: "victim", email: "victim@example.com", email_verified: true };
    const times = { iat: nowS, exp: nowS + 300 };
    const claims = { iss: this.issuer, aud: "berth", nonce: code.nonce ?? undefined, ...person, ...times };
    const idToken = await this.sign(this.claims(claims));
    sendJson(response, { access_token: "canary-access-token", token_type: "Bearer", id_token: idToken, expires_in: 300 });
  }
}

async function newKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = crypto.randomUUID();
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
}

function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return new URLSearchParams(Buffer.concat(parts).toString());
}
