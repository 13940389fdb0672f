import { expect, test } from "vitest";
import { basicValue, hostOf, registryOf, registrySecretName, shownRegistry } from "./hosts.ts";

test.each([
  ["github.com", "github.com"],
  [" GitHub.com/ ", "github.com"],
  ["https://git.example.org:8443/group/project.git", "git.example.org:8443"],
  ["git@gitlab.com", "gitlab.com"],
  ["localhost:5000", "localhost:5000"],
  ["", undefined],
  ["two words", undefined],
  ["-x.example", undefined],
  ["https://", undefined],
])("%j names the host %j", (text, host) => {
  expect(hostOf(text)).toBe(host);
});

test("Docker Hub is kept by the name its clients look for, and shown by the one people know", () => {
  for (const name of ["docker.io", "https://hub.docker.com/u/x"]) expect(registryOf(name)).toBe("https://index.docker.io/v1/");
  expect(shownRegistry("https://index.docker.io/v1/")).toBe("docker.io");
  expect(registryOf("ghcr.io/owner")).toBe("ghcr.io");
});

test("a registry's secret has a name and a value the API takes", () => {
  expect(registrySecretName("registry.example.org:5000")).toMatch(/^[0-9a-zA-Z_]{3,127}$/);
  expect(Buffer.from(basicValue("ada", "pä:ss"), "base64").toString()).toBe("ada:pä:ss");
});
