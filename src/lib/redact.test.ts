import fc from "fast-check";
import { expect, test } from "vitest";
import { type Known, redact } from "./redact.ts";

const nobody: Known = { homes: [], names: [], words: [] };
const hide = (text: string, known: Known = nobody): string => redact(text, known).text;

test.each([
  ["a token of GitHub", "pushed with ghp_abcdefghijklmnop1234567890 today", "pushed with [token] today"],
  ["a fine-grained one", "github_pat_11ABCDEFG0abcdefghijkl_mnop", "[token]"],
  ["a token of GitLab", "glpat-abcdefghij1234567890", "[token]"],
  ["a key of AWS", "AKIAIOSFODNN7EXAMPLE", "[token]"],
  ["a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[token]"],
  ["a header", 'Authorization: Bearer abcdef123456"', 'Authorization: Bearer [token]"'],
  ["a one-time link", "http://127.0.0.1:4000/#token=a-b_c9", "http://127.0.0.1:4000/#token=[token]"],
  ["a signed address", "https://s.example/x?a=1&sig=Zm9v%3D&b=2", "https://s.example/x?a=1&sig=[token]&b=2"],
  ["credentials in an address", "https://ada:s3cret@git.example/x.git", "https://[credentials]@git.example/x.git"],
  ["a token as the user", "clone https://x-oauth@git.example/x", "clone https://[credentials]@git.example/x"],
  ["a variable", "DB_PASSWORD=hunter2 next", "DB_PASSWORD=[hidden] next"],
  ["a quoted variable", 'npm_token: "a b c"', "npm_token: [hidden]"],
  ["JSON", '{"apiKey":"abc","n":1}', '{"apiKey":[hidden],"n":1}'],
  ["an e-mail address", "by Ada <ada.l+x@mail.example.org>", "by Ada <[e-mail]>"],
  ["addresses of the network", "10.1.2.3, 192.168.178.20:22, 172.31.0.9, 169.254.1.1", "[address], [address]:22, [address], [address]"],
  ["an address of a link", "fe80::1ff:fe23:4567:890a%eth0", "[address]"],
  ["a hardware address", "ether 52:54:00:12:34:56 up", "ether [address] up"],
  ["somebody's home", "/home/ada/src, /Users/grace/x", "/home/[user]/src, /Users/[user]/x"],
  ["the computer's name in a log", '{"hostname":"vm","msg":"x"}', '{"hostname":"[computer]","msg":"x"}'],
  ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nend", "[private key]\nend"],
  ["a key that was cut off", "-----BEGIN PRIVATE KEY-----\nabc\ndef", "[private key]"],
])("%s is hidden", (_what, text, expected) => {
  expect(hide(text)).toBe(expected);
});

test.each([
  "127.0.0.1:4000",
  "8.8.8.8 and 172.32.0.1",
  "version 10.0.2 of QEMU, Debian 13.1",
  "2026-01-02T10:20:30.123Z",
  "https://github.com/owner/repository/tree/main?tab=readme",
  "the author: somebody; 12 tokens: fine",
  "sha256 4f2a9c0d4f2a9c0d4f2a9c0d4f2a9c0d",
  "[hidden] [token] [user]",
])("%s stays, since it helps and says nothing about anybody", (text) => {
  expect(hide(text)).toBe(text);
});

test("names of this computer are hidden as whole words, in whatever case", () => {
  const known: Known = {
    homes: ["/home/ada", "/srv/people/ada"],
    names: ["ada", "ada-laptop", "root", "x"],
    words: [
      { word: "payroll", standIn: "environment-1" },
      { word: "payroll-2", standIn: "environment-2" },
    ],
  };
  expect(hide("/home/ada/.ssh /srv/people/ada /home/adam", known)).toBe("~/.ssh ~ /home/[user]");
  expect(hide("Ada@ada-laptop ran adapter as root on x", known)).toBe("[user]@[user] ran adapter as root on x");
  expect(hide("payroll-2 and Payroll started; payrolls not", known)).toBe("environment-2 and environment-1 started; payrolls not");
});

test("it says how often it hid what", () => {
  expect(redact("a@b.example c@d.example 10.0.0.1", nobody).hidden).toEqual({ "e-mail addresses": 2, "network addresses": 1 });
});

test("whatever stands around it, no secret gets through", () => {
  const secrets = ["ghp_abcdefghijklmnop1234567890", "ada@b.example", "/home/ada", "10.0.0.1", "hunter2@git.example", "payroll"];
  const around = ["token=x", "https://ada:hunter2@git.example/x", "{", '"', ":", "\n", "password: ", "Bearer "];
  const known: Known = { homes: ["/home/ada"], names: ["ada"], words: [{ word: "payroll", standIn: "environment-1" }] };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...secrets, ...around), { maxLength: 12 }), (parts) => {
      const once = hide(parts.join(" "), known);
      for (const secret of secrets) expect(once).not.toContain(secret);
    }),
  );
});

test("a long text without an end costs no time", () => {
  const text = `${"a".repeat(100_000)}${"eyJ".repeat(10_000)}${"/home".repeat(5000)}${"password".repeat(5000)}`;
  expect(hide(text).length).toBeGreaterThan(0);
});
