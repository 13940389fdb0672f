import { expect, test } from "vitest";
import { DomainVerifier, type TxtResolver, domainRecord, newDomainToken, parseDomain } from "./domain-verification.ts";
import { normalEmail } from "./email-domain.ts";

const signal = new AbortController().signal;

/** A resolver that knows one name. */
function knowing(name: string, records: string[][]): TxtResolver {
  return {
    resolveTxt: (asked) =>
      asked === name ? Promise.resolve(records) : Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" })),
  };
}

test("a domain is verified by the record with its token, whatever other records there are", async () => {
  const token = newDomainToken();
  const { name, value } = domainRecord("example.com", token);
  expect(name).toBe("_berth-challenge.example.com");
  await new DomainVerifier(knowing(name, [["v=spf1 -all"], [value]])).verify("example.com", token, signal);
  await new DomainVerifier(knowing(name, [[value.slice(0, 10), value.slice(10)]])).verify("example.com", token, signal);
});

test("no record, another token and another domain's record do not verify", async () => {
  const token = newDomainToken();
  const { name, value } = domainRecord("example.com", token);
  const missing = { code: "domain-record-missing" };
  await expect(new DomainVerifier(knowing(name, [])).verify("example.com", token, signal)).rejects.toMatchObject(missing);
  await expect(new DomainVerifier(knowing(name, [[`${value}x`]])).verify("example.com", token, signal)).rejects.toMatchObject(missing);
  await expect(new DomainVerifier(knowing(name, [[value]])).verify("example.com", newDomainToken(), signal)).rejects.toMatchObject(missing);
  await expect(new DomainVerifier(knowing(name, [[value]])).verify("sub.example.com", token, signal)).rejects.toMatchObject(missing);
});

test("name servers that fail or are silent are no answer", async () => {
  const broken: TxtResolver = { resolveTxt: () => Promise.reject(Object.assign(new Error("refused"), { code: "ESERVFAIL" })) };
  const silent: TxtResolver = { resolveTxt: () => Promise.withResolvers<string[][]>().promise };
  const failed = { code: "domain-lookup-failed" };
  await expect(new DomainVerifier(broken).verify("example.com", "t", signal)).rejects.toMatchObject(failed);
  await expect(new DomainVerifier(silent).verify("example.com", "t", AbortSignal.abort())).rejects.toMatchObject(failed);
});

test.each([
  ["Example.COM", "example.com"],
  [" example.com. ", "example.com"],
  ["bücher.example", "xn--bcher-kva.example"],
])("%s is kept as %s", (text, domain) => {
  expect(parseDomain(text)).toBe(domain);
});

test.each([
  "",
  "com",
  "localhost",
  "127.0.0.1",
  "a..b",
  "-a.example",
  "exa mple.com",
  "example.com/x",
  "a@example.com",
  `${"a".repeat(64)}.com`,
])("'%s' is no domain that can be verified", (text) => {
  expect(() => parseDomain(text)).toThrow("request-invalid");
});

test("addresses are compared in one form, and odd ones are none", () => {
  expect(normalEmail(" Ada@Example.COM ")).toEqual({ email: "ada@example.com", domain: "example.com" });
  for (const text of ["ada", "@example.com", "ada@", "a@b@example.com", '"a b"@example.com', "ada@example.com\nx", "ada@[127.0.0.1]"])
    expect(normalEmail(text), text).toBeUndefined();
});
