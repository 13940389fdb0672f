import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { waitUntil } from "../lib/wait-until.ts";
import { DockerApi } from "./docker-api.ts";

test("a dockerd that is gone has no version, also when it told one before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-docker-"));
  const socket = join(folder, "docker.sock");
  const dockerd = createServer((request, answer) => {
    if (request.url === "/version") answer.end(JSON.stringify({ Version: "26.1.5" }));
    else answer.writeHead(200).flushHeaders();
  });
  await new Promise<void>((resolve) => dockerd.listen(socket, resolve));
  const docker = new DockerApi(socket);
  const ended = new AbortController();
  try {
    expect(docker.knownVersion).toBeUndefined();
    const watching = docker.watchEvents(() => undefined, ended.signal);
    expect(await docker.version()).toBe("26.1.5");
    expect(await waitUntil(() => docker.knownVersion === "26.1.5", { intervalMs: 5, signal: AbortSignal.timeout(5000) })).toBe(true);
    dockerd.closeAllConnections();
    dockerd.close();
    await watching;
    expect(docker.knownVersion).toBeUndefined();
    expect(await docker.version()).toBeUndefined();
  } finally {
    ended.abort();
    dockerd.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
