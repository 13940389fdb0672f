import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DockerApi } from "../docker-api.ts";
import { imageUserIs, metadataUser } from "./image-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nvscode:x:1000:1000::/home/vscode:/bin/bash\nnode:x:1001:1001::/home/node:/bin/sh\n";
let folder: string;
let end: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "image-user-"));
  for (const layer of ["upper", "lower"]) mkdirSync(join(folder, layer, "etc"), { recursive: true });
});

afterEach(() => {
  end();
  rmSync(folder, { recursive: true });
});

/** A container engine that has one image, `app`, of two layers. */
async function engine(options: { user?: string; metadata?: unknown }): Promise<DockerApi> {
  const image = {
    Config: {
      User: options.user ?? "",
      Labels: options.metadata === undefined ? null : { "devcontainer.metadata": JSON.stringify(options.metadata) },
    },
    GraphDriver: { Data: { UpperDir: join(folder, "upper"), LowerDir: join(folder, "lower") } },
  };
  const server = createServer((request, response) => {
    // dockerd answers 400 to what cannot be an image's name.
    response.statusCode = request.url === "/images/app/json" ? 200 : request.url === "/images/elsewhere/json" ? 404 : 400;
    response.end(JSON.stringify(response.statusCode === 200 ? image : { message: "no such image" }));
  });
  const socket = join(folder, "docker.sock");
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  end = () => server.close();
  return new DockerApi(socket);
}

test("a user of the image is known by the topmost passwd file", async () => {
  writeFileSync(join(folder, "lower/etc/passwd"), passwd.replace("vscode:x:1000:1000", "vscode:x:1500:1500"));
  writeFileSync(join(folder, "upper/etc/passwd"), passwd);
  const docker = await engine({ user: "vscode" });
  expect(await imageUserIs(1000, { image: "app" }, docker)).toBe(true);
  expect(await imageUserIs(1500, { image: "app" }, docker)).toBe(false);
});

test("the configuration decides before the image's metadata, and that before the image's own user", async () => {
  writeFileSync(join(folder, "lower/etc/passwd"), passwd);
  const docker = await engine({ user: "node", metadata: [{ remoteUser: "root" }, { remoteUser: "vscode" }] });
  expect(await imageUserIs(1000, { image: "app" }, docker)).toBe(true);
  expect(await imageUserIs(1000, { image: "app", remoteUser: "node" }, docker)).toBe(false);
});

test("nothing is known of what Features, arguments or a build may still change", async () => {
  writeFileSync(join(folder, "lower/etc/passwd"), passwd);
  const docker = await engine({ user: "vscode" });
  expect(await imageUserIs(1000, { image: "app", features: { "ghcr.io/a/b:1": {} } }, docker)).toBe(false);
  expect(await imageUserIs(1000, { image: "app", runArgs: ["--user=node"] }, docker)).toBe(false);
  expect(await imageUserIs(1000, { dockerFile: "Dockerfile" }, docker)).toBe(false);
  expect(await imageUserIs(1000, { image: "elsewhere" }, docker)).toBe(false);
  expect(await imageUserIs(1000, { image: "${localEnv:IMAGE}" }, docker)).toBe(false);
});

test("a link in an image does not lead out of it", async () => {
  writeFileSync(join(folder, "passwd"), passwd);
  symlinkSync(join(folder, "passwd"), join(folder, "upper/etc/passwd"));
  writeFileSync(join(folder, "lower/etc/passwd"), passwd);
  expect(await imageUserIs(1000, { image: "app" }, await engine({ user: "vscode" }))).toBe(false);
});

test("neither does a linked folder, and a pipe is not waited on", async () => {
  const docker = await engine({ user: "vscode" });
  mkdirSync(join(folder, "etc"));
  writeFileSync(join(folder, "etc/passwd"), passwd);
  rmSync(join(folder, "upper/etc"), { recursive: true });
  symlinkSync(join(folder, "etc"), join(folder, "upper/etc"));
  expect(await imageUserIs(1000, { image: "app" }, docker)).toBe(false);
  rmSync(join(folder, "upper/etc"));
  execFileSync("mkfifo", [join(folder, "lower/etc/passwd")]);
  expect(await imageUserIs(1000, { image: "app" }, docker)).toBe(false);
});

test("metadata that cannot be read names nobody", async () => {
  end = () => undefined;
  expect(metadataUser("{", "remoteUser")).toBeUndefined();
  expect(metadataUser(undefined, "remoteUser")).toBeUndefined();
  expect(metadataUser('{"remoteUser":"a"}', "remoteUser")).toBe("a");
});
