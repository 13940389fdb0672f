import { expect, test } from "vitest";
import { nameServerRules } from "./name-server.ts";

test("questions to the link's name server go to another one, from containers and the machine alike", () => {
  const rules = nameServerRules("192.168.1.1");
  for (const hook of ["prerouting", "output"])
    expect(rules).toMatch(new RegExp(`hook ${hook} .*10\\.0\\.2\\.3 udp dport 53 dnat to 192\\.168\\.1\\.1`));
  expect(nameServerRules(undefined)).not.toContain("dnat");
});

test("nothing but an address gets into the rules", () => {
  for (const server of ["", "::1", "1.2.3.4; flush ruleset", "ns.example"]) expect(() => nameServerRules(server)).toThrow(/IPv4/);
});
