import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Inside, insideBare, insideBerth } from "./bare.ts";
import { inParallel, must, type Outcome, Product, Servers } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const repositories = join(import.meta.dirname, "repositories");
const twin = "compose-twin";

/** The files in each repository's container that tell what its lifecycle commands did. */
const paths = {
  dockerfile: ["$HOME/lifecycle", "$HOME/post-create-one", "$HOME/post-create-two", "/etc/flavour", "/etc/greeting"],
  compose: ["$HOME/filled"],
  features: ["$HOME/colour-of-the-day", "/usr/local/share/color/favourite"],
} as const;
const kinds = ["dockerfile", "compose", "features"] as const;

let outcomes: ReadonlyMap<string, Outcome>;
/** What the bare devcontainer CLI made of each. */
const bare = new Map<string, Inside>();

beforeAll(async () => {
  publishBaseImage();
  const urls = new Map(kinds.map((kind) => [kind, servers.publish(kind, join(repositories, kind))]));
  const environments = [
    ...kinds.map((kind) => ({ name: kind, url: urls.get(kind) ?? "" })),
    { name: twin, url: urls.get("compose") ?? "" },
  ];
  outcomes = await product.createAll(environments.map(({ name, url }) => ({ name, source: url })));
  await inParallel(kinds, async (kind) => void bare.set(kind, await insideBare(product, kind, urls.get(kind) ?? "", paths[kind])));
});

afterAll(async () => product.deleteAll([...kinds, twin]));

function publishBaseImage(): void {
  product.copyIntoMachine(join(import.meta.dirname, "base"), "/tmp/base");
  must(
    product.machine(
      "sh",
      "-c",
      "cp /bin/busybox /tmp/base && docker build --quiet --tag localhost:5417/base:1 /tmp/base && docker push --quiet localhost:5417/base:1 && docker rmi localhost:5417/base:1",
    ),
  );
  product.copyIntoMachine(join(import.meta.dirname, "features"), "/tmp/features");
  must(product.machine("devcontainer", "features", "publish", "--registry", "localhost:5417", "--namespace", "test", "/tmp/features"));
}

/** Sees the environment of this kind from inside, once it was made. */
function inside(kind: (typeof kinds)[number]): Inside {
  must(outcomes.get(kind) ?? { status: 1, stdout: "", stderr: "it was not made" });
  return insideBerth(product, kind, paths[kind]);
}

test("a repository with a Dockerfile comes up as the bare devcontainer CLI brings it up", () => {
  const ours = inside("dockerfile");
  expect(ours).toMatchObject({ user: "dev", folder: "/workspaces/dockerfile" });
  expect(ours.files).toMatchObject({
    "/home/dev/lifecycle": expect.stringMatching(/^onCreate updateContent postStart/),
    "/etc/flavour": "lemon ",
    "/etc/greeting": "hello from the build context ",
  });
  expect(ours.env).toMatchObject({
    CONTAINER_SIDE: "yes",
    REMOTE_SIDE: "seen by dockerfile",
    PATH: expect.stringContaining("/home/dev/bin"),
  });
  expect(ours).toEqual(bare.get("dockerfile"));
  // initializeCommand runs where the repository is, in the machine, and never on this computer (S26).
  expect(existsSync("/tmp/berth-initialize-ran")).toBe(false);
  expect(must(product.machine("ls", "/tmp/berth-initialize-ran")).stdout).toContain("berth-initialize-ran");
});

test("git works for a user of an image whose first user is another", () => {
  must(outcomes.get("dockerfile") ?? { status: 1, stdout: "", stderr: "it was not made" });
  const commit = "git -c user.name=T -c user.email=t@example.com commit --quiet --allow-empty --message Mine && git log -1 --format=%s";
  expect(must(product.berth("exec", "dockerfile", "--", "sh", "-c", commit)).stdout).toBe("Mine\n");
});

test("work of a moment ago is noticed before a delete", () => {
  must(outcomes.get("dockerfile") ?? { status: 1, stdout: "", stderr: "it was not made" });
  must(product.berth("exec", "dockerfile", "--", "touch", "just-made.txt"));
  const refused = product.berth("delete", "dockerfile");
  expect(refused.stderr).toContain("dockerfile has 1 changed file and 1 unpushed commit");
  expect(refused.status).toBe(4);
});

test("a repository with an image and Features of a local registry comes up as the bare devcontainer CLI brings it up", () => {
  const ours = inside("features");
  expect(ours).toMatchObject({
    user: "vscode",
    folder: "/workspaces/features",
    files: { "/home/vscode/colour-of-the-day": "green " },
    env: { COLOR_HOME: "/usr/local/share/color" },
  });
  expect(ours).toEqual(bare.get("features"));
});

test("a stopped environment goes on in its container, and what each start is to do is done", () => {
  must(outcomes.get("features") ?? { status: 1, stdout: "", stderr: "it was not made" });
  // The Feature's postStartCommand writes when it ran, into the container's own file system.
  const look = "hostname; stat -c %y /tmp/color-started; cat ~/colour-of-the-day; touch ~/kept";
  const seen = (): string[] => must(product.berth("exec", "features", "--", "sh", "-c", look)).stdout.split("\n");
  const before = seen();
  must(product.berth("stop", "features"));
  must(product.berth("start", "features"));
  const after = seen();
  expect([after[0], after[2]]).toEqual([before[0], before[2]]);
  expect(after[1]).not.toBe(before[1]);
  must(product.berth("exec", "features", "--", "sh", "-c", "test -e ~/kept"));
});

test("a Compose repository with a database comes up as the bare devcontainer CLI brings it up", () => {
  const ours = inside("compose");
  expect(ours).toMatchObject({ user: "vscode", folder: "/srv/compose", files: { "/home/vscode/filled": expect.stringContaining("+OK") } });
  expect(ours.env).toMatchObject({ TIER: "development", DATABASE: "redis://db:6379" });
  // The database's port is on this computer.
  const [port] = must(product.berth("ports", "compose", "--json"))
    .stdout.trim()
    .split("\n");
  expect(JSON.parse(port ?? "{}")).toMatchObject({ containerPort: 6379, hostPort: expect.any(Number) });
  expect(ours).toEqual(bare.get("compose"));
});

test("what a database of a Compose repository holds outlives a stop, and goes with the environment", () => {
  must(product.berth("stop", "compose"));
  must(product.berth("start", "compose"));
  const ask = "exec 3<>/dev/tcp/db/6379; printf 'GET greeting\\r\\n' >&3; read -r n <&3; read -r v <&3; echo $v";
  expect(must(product.berth("exec", "compose", "--", "bash", "-c", ask)).stdout).toContain("hello");
});

test("two environments of one Compose repository do not touch each other", () => {
  must(outcomes.get(twin) ?? { status: 1, stdout: "", stderr: "it was not made" });
  const hosts = (name: string): string => must(product.berth("exec", name, "--", "getent", "hosts", "db")).stdout;
  expect(hosts("compose")).not.toBe(hosts(twin));
  const { id } = product.show("compose") as { id: string };
  const volumes = (): string => must(product.machine("docker", "volume", "ls", "--quiet")).stdout;
  expect(volumes()).toContain(id.slice(-8));
  must(product.berth("delete", "compose", "--force"));
  expect(volumes()).not.toContain(id.slice(-8));
  expect(product.show(twin)).toMatchObject({ phase: "running" });
  must(product.berth("exec", twin, "--", "bash", "-c", "exec 3<>/dev/tcp/db/6379"));
});
