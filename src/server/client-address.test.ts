import { createServer, request } from "node:http";
import { once } from "node:events";
import { expect, test } from "vitest";
import { clientAddressBy } from "./client-address.ts";

/** What a server behind `header` takes for the address of a request with these headers. */
async function addressOf(header: string | undefined, headers: Readonly<Record<string, string>>): Promise<string> {
  const addressBy = clientAddressBy(header);
  const server = createServer((incoming, response) => response.end(addressBy(incoming))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const sent = request({ port, host: "127.0.0.1", headers }).end();
  const { promise, resolve } = Promise.withResolvers<string>();
  sent.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part: string) => (text += part));
    response.on("end", () => resolve(text));
  });
  const text = await promise;
  server.close();
  return text;
}

test.each([
  { header: undefined, sent: "203.0.113.9", address: "127.0.0.1" },
  { header: "x-forwarded-for", sent: "203.0.113.9", address: "203.0.113.9" },
  { header: "x-forwarded-for", sent: "1.2.3.4, 203.0.113.9", address: "203.0.113.9" },
  { header: "x-forwarded-for", sent: "2001:db8::1", address: "2001:db8::1" },
  { header: "x-forwarded-for", sent: "<script>", address: "127.0.0.1" },
  { header: "x-forwarded-for", sent: "", address: "127.0.0.1" },
])("behind $header a request with '$sent' in it comes from $address", async ({ header, sent, address }) => {
  expect(await addressOf(header, { "x-forwarded-for": sent })).toBe(address);
});
