import { expect, test } from "vitest";
import { Diagnosis_Severity } from "../../contract/gen/berth/v1/host_pb.js";
import { parseTarget } from "./collect-network-facts.ts";
import { diagnoseNetwork, type MachineCheck, type NetworkFacts } from "./network.ts";

const check = (id: string, change: Partial<MachineCheck> = {}): MachineCheck => ({
  id,
  result: "ok",
  detail: `${id} is well`,
  issuer: "",
  ...change,
});
const ids = ["link", "dns", "tcp", "tls", "proxy", "registry", "container"];
const well: NetworkFacts & { readonly checks: readonly MachineCheck[] } = {
  target: "git.example:443",
  host: { dns: { ok: true, detail: "git.example is 1.2.3.4" }, tls: { ok: true, detail: "trusted" } },
  proxy: "",
  problems: [],
  authorities: [],
  wall: { link: "passt", holes: [] },
  machine: "ready",
  checks: ids.map((id) => check(id)),
};
const failing = (...failed: readonly MachineCheck[]): readonly MachineCheck[] =>
  well.checks.map((c) => failed.find((f) => f.id === c.id) ?? c);
const wrong = (facts: NetworkFacts) => diagnoseNetwork(facts).filter((d) => d.severity !== Diagnosis_Severity.OK);

test("a way that is well has nothing to mend, and is told in its order", () => {
  expect(wrong(well)).toEqual([]);
  expect(diagnoseNetwork(well).map((d) => d.id)).toEqual(["host-dns", "host", "settings", "wall", ...ids].map((id) => `network-${id}`));
});

const { ERROR, WARNING } = Diagnosis_Severity;
const failed = { result: "failed" } as const;

test.each<[string, Partial<NetworkFacts>, string, Diagnosis_Severity, RegExp]>([
  ["the computer's name server is silent", { host: { ...well.host, dns: { ok: false, detail: "no answer" } } }, "host-dns", ERROR, /VPN/],
  [
    "the computer gets nowhere",
    { host: { ...well.host, tls: { ok: false, detail: "no answer" } } },
    "host",
    ERROR,
    /nothing in the machine/,
  ],
  ["a proxy is on the loopback", { problems: [{ detail: "127.0.0.1", fix: "elsewhere" }] }, "settings", WARNING, /elsewhere/],
  ["passt has a hole", { wall: { link: "passt", holes: ["127.0.0.1"] } }, "wall", WARNING, /newer passt/],
  ["the link is slirp", { wall: { link: "slirp", holes: ["10.0.2.2"] } }, "wall", WARNING, /install passt/],
  ["the machine is off", { machine: "off", checks: [] }, "machine", WARNING, /machine start/],
  ["the agent does not answer", { checks: { failure: "no answer" } }, "machine", ERROR, /machine stop/],
  ["only the computer knows the name", { checks: failing(check("dns", failed)) }, "dns", ERROR, /VPN may answer on this computer alone/],
  ["only the computer gets there", { checks: failing(check("tcp", failed)) }, "tcp", ERROR, /allow passt or QEMU/],
  [
    "a proxy reads what goes through",
    { checks: failing(check("tls", { ...failed, issuer: "Acme Inspection" })) },
    "tls",
    ERROR,
    /certificate of that authority/,
  ],
  ["the proxy refuses", { proxy: "http://p", checks: failing(check("proxy", failed)) }, "proxy", ERROR, /user and password/],
  ["nothing gets by the proxy", { proxy: "http://p", checks: failing(check("tcp", failed)) }, "tcp", WARNING, /None is needed/],
  ["the registry is blocked", { checks: failing(check("registry", failed)) }, "registry", ERROR, /registry is allowed/],
  ["containers are shut in", { checks: failing(check("container", failed)) }, "container", ERROR, /firewall/],
])("%s: it is told with what to try", (_what, change, id, severity, fix) => {
  const found = wrong({ ...well, ...change });
  expect(found.map((d) => d.id)).toEqual([`network-${id}`]);
  expect(found[0]).toMatchObject({ severity, fix: expect.stringMatching(fix) });
});

test("whoever issued an unknown certificate is named", () => {
  const [found] = wrong({ ...well, checks: failing(check("tls", { ...failed, issuer: "Acme Inspection" })) });
  expect(found?.detail).toContain("issued by Acme Inspection");
});

test("a target is a host, with or without a port, or an https address", () => {
  expect(parseTarget("git.example")).toEqual({ host: "git.example", port: 443 });
  expect(parseTarget("10.0.0.1:8443")).toEqual({ host: "10.0.0.1", port: 8443 });
  expect(parseTarget("https://git.example/a/b")).toEqual({ host: "git.example", port: 443 });
  for (const text of ["http://git.example", "", "https://u:p@x.example", "a b"])
    expect(() => parseTarget(text), text).toThrow(/target-invalid/);
});
