import { expect, test } from "vitest";
import { isLoopbackProxy, keepCredentials, parseNoProxy, parseProxyUrl, proxyFor, proxyVariables, redactProxyUrl } from "./proxy.ts";

test.each([
  ["http://proxy.example:3128", "http://proxy.example:3128"],
  ["http://proxy.example:3128/", "http://proxy.example:3128"],
  [" proxy.example:3128 ", "http://proxy.example:3128"],
  ["https://ada:p%40ss@proxy.example", "https://ada:p%40ss@proxy.example"],
  ["http://[fd00::1]:3128", "http://[fd00::1]:3128"],
  ["", ""],
])("%j is an address of a proxy", (text, expected) => {
  expect(parseProxyUrl(text)).toBe(expected);
});

test.each([
  "socks5://ada:s3cret@proxy.example",
  "http://ada:s3cret@proxy.example/path",
  "http://ada:s3cret@",
  "http://ada:s3cret@proxy.example:99999",
  "http://ada:s3 cret@proxy.example",
  "http://ada:s3cret@a\nb",
  "ada:s3cret@@proxy.example?x",
])("%j is none, and the refusal does not tell the password", (text) => {
  let refusal = "";
  try {
    parseProxyUrl(text);
  } catch (error) {
    refusal = String(error);
  }
  expect(refusal).toMatch(/proxy address/);
  expect(refusal).not.toMatch(/s3|cret|ada/);
});

test.each([
  ["http://ada:s3cret@proxy.example:3128", "http://***@proxy.example:3128"],
  ["http://proxy.example", "http://proxy.example"],
  ["ada:s3cret@proxy.example", "***@proxy.example"],
  ["http://ada:p@ss/wo?rd@proxy.example", "http://***@proxy.example"],
])("%j is shown as %j", (text, shown) => {
  expect(redactProxyUrl(text)).toBe(shown);
});

test("credentials that are not shown are kept with their own address alone", () => {
  const kept = "http://ada:s3cret@proxy.example:3128";
  expect(keepCredentials("http://***@proxy.example:3128", kept)).toBe(kept);
  expect(keepCredentials("http://eve:x@other.example", kept)).toBe("http://eve:x@other.example");
  expect(() => keepCredentials("http://***@evil.example:3128", kept)).toThrow(/anew/);
});

test("a list of what needs no proxy may have blanks, and nothing that is none", () => {
  expect(parseNoProxy(" localhost, .corp.example\t10.0.0.0/8,,[::1] ")).toBe("localhost,.corp.example,10.0.0.0/8,[::1]");
  expect(() => parseNoProxy("a,$(reboot)")).toThrow(/\$\(reboot\)/);
});

test("a proxy on the loopback is told apart", () => {
  for (const url of ["http://127.0.0.1:3128", "http://localhost:1", "http://[::1]:1", "http://u:p@127.9.9.9", "http://0.0.0.0:1"])
    expect(isLoopbackProxy(url), url).toBe(true);
  for (const url of ["http://10.0.0.1:3128", "http://localhost.example:1", "http://127.example"])
    expect(isLoopbackProxy(url), url).toBe(false);
});

test("what needs no proxy is not asked for through one", () => {
  const proxies = { httpProxy: "", httpsProxy: "http://p:1", noProxy: "localhost,.corp.example,exact.example" };
  expect(proxyFor("github.com", proxies)?.host).toBe("p:1");
  expect(proxyFor("git.corp.example", proxies)).toBeUndefined();
  expect(proxyFor("EXACT.example", proxies)).toBeUndefined();
  expect(proxyFor("inexact.example", proxies)?.host).toBe("p:1");
  expect(proxyFor("x", { ...proxies, noProxy: "*" })).toBeUndefined();
});

test("programs are told in both ways of writing, and nothing without a proxy", () => {
  expect(proxyVariables({ httpProxy: "", httpsProxy: "http://p:1", noProxy: "a" })).toEqual({
    HTTPS_PROXY: "http://p:1",
    https_proxy: "http://p:1",
    NO_PROXY: "a",
    no_proxy: "a",
  });
  expect(proxyVariables({ httpProxy: "", httpsProxy: "", noProxy: "a" })).toEqual({});
});
