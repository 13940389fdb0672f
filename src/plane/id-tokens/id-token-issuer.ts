import { randomUUID } from "node:crypto";
import { answer, type HttpRequest, type HttpResponse } from "../http-messages.ts";
import { SignJWT } from "jose";
import { BerthError } from "../../contract/berth-error.ts";
import { type SigningKeys, maxTokenLifetimeMs, signingAlgorithm } from "../signing-keys/signing-keys.ts";
import { type SubjectVersion, type TokenPrincipal, principalClaims, subjectOf } from "./subject.ts";

const maxAudiences = 10;
const maxAudienceLength = 255;
/** Shorter than a new key is published ahead. */
const documentMaxAgeS = 10 * 60;
/** Claims that are ours to say. */
const reserved: ReadonlySet<string> = new Set(["iss", "sub", "aud", "iat", "nbf", "exp", "jti"]);

export interface IdTokenRequest {
  readonly principal: TokenPrincipal;
  /** Who the token is for; at least one. A token for nobody in particular could be used with everybody. */
  readonly audience: readonly string[];
  readonly version: SubjectVersion;
  /** Further claims of v3, e.g. `creator_email`. */
  readonly claims?: Readonly<Record<string, string>>;
  /** Names of claims that go into the subject too (v3). */
  readonly subjectClaims?: readonly string[];
}

/**
 * ID tokens by which an environment proves to a cloud which one it is (OpenID Connect Core 1.0 §2, RS256, one hour), and
 * the documents by which the cloud checks them: `/.well-known/openid-configuration` and `/.well-known/jwks`.
 */
export class IdTokenIssuer {
  readonly #issuer: string;
  readonly #keys: SigningKeys;
  readonly #now: () => number;

  /** `publicUrl` is an origin, which becomes the issuer. */
  constructor(publicUrl: URL, keys: SigningKeys, now: () => number) {
    this.#issuer = publicUrl.origin;
    this.#keys = keys;
    this.#now = now;
  }

  /** A signed token. Whether the caller is that principal is not decided here. Fails with `request-invalid`. */
  async issue({ principal, audience, version, claims = {}, subjectClaims = [] }: IdTokenRequest): Promise<string> {
    checkAudience(audience);
    const extra = subjectClaims.map((name) => [name, claims[name] ?? ""] as const);
    const flat = version === "v3" ? { ...claims, ...principalClaims(principal) } : {};
    for (const name of Object.keys(flat)) if (reserved.has(name)) throw new BerthError("request-invalid", `claim '${name}' is not free`);
    const nowS = Math.floor(this.#now() / 1000);
    const { kid, key } = await this.#keys.signing();
    return new SignJWT({
      ...flat,
      iss: this.#issuer,
      sub: subjectOf(principal, version, extra),
      aud: audience.length === 1 ? (audience[0] ?? "") : [...audience],
      iat: nowS,
      nbf: nowS,
      exp: nowS + maxTokenLifetimeMs / 1000,
      jti: randomUUID(),
    })
      .setProtectedHeader({ alg: signingAlgorithm, kid, typ: "JWT" })
      .sign(key);
  }

  /** Answers the two documents; false, and nothing done, for other requests. */
  async handle(request: HttpRequest, response: HttpResponse): Promise<boolean> {
    if (request.method !== "GET") return false;
    const path = (request.url ?? "").split("?")[0];
    if (path === "/.well-known/openid-configuration") sendDocument(response, this.#discovery());
    else if (path === "/.well-known/jwks") sendDocument(response, await this.#keys.publicJwks());
    else return false;
    return true;
  }

  #discovery() {
    return {
      issuer: this.#issuer,
      jwks_uri: `${this.#issuer}/.well-known/jwks`,
      // Required by OpenID Connect Discovery; nobody signs in here.
      authorization_endpoint: `${this.#issuer}/auth/sign-in`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [signingAlgorithm],
      claims_supported: [
        "aud",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "sub",
        "organization_id",
        "project_id",
        "environment_id",
        "user_id",
        "runner_id",
      ],
    };
  }
}

function checkAudience(audience: readonly string[]): void {
  const fits = audience.length > 0 && audience.length <= maxAudiences;
  if (!fits || !audience.every((one) => one !== "" && one.length <= maxAudienceLength))
    throw new BerthError("request-invalid", `a token needs 1 to ${maxAudiences} audiences of 1 to ${maxAudienceLength} characters`);
}

function sendDocument(response: HttpResponse, document: unknown): void {
  answer(
    response,
    200,
    {
      "content-type": "application/json",
      "cache-control": `public, max-age=${documentMaxAgeS}`,
      "access-control-allow-origin": "*",
      "x-content-type-options": "nosniff",
    },
    JSON.stringify(document),
  );
}
