import { type ClientAuth, ClientSecretPost, None } from "openid-client";

/**
 * How the plane proves to a provider that it is the registered client: HTTP Basic, which every provider has to know
 * (RFC 6749 §2.3.1), else in the body where a provider announces only that.
 */
export function clientAuthentication(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None();
  return (server, client, body, headers) => {
    const announced = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    if (!announced.includes("client_secret_basic") && announced.includes("client_secret_post"))
      return ClientSecretPost(secret)(server, client, body, headers);
    const credentials = `${formEncoded(client.client_id)}:${formEncoded(secret)}`;
    headers.set("authorization", `Basic ${Buffer.from(credentials).toString("base64")}`);
  };
}

/** As forms do it and no more: some providers do not decode, and what needs no encoding then arrives all the same. */
function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
