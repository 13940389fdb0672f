import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { insideBare, insideBerth } from "./bare.ts";
import { must, Product, Servers } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const repositories = join(import.meta.dirname, "repositories");

test("a repository with a Dockerfile comes up as the bare devcontainer CLI brings it up", () => {
  const url = servers.publish("dockerfile", join(repositories, "dockerfile"));
  must(product.create(url, "dockerfile"));
  const paths = ["$HOME/lifecycle", "$HOME/post-create-one", "$HOME/post-create-two", "/etc/flavour", "/etc/greeting"];
  const ours = insideBerth(product, "dockerfile", paths);
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
  expect(ours).toEqual(insideBare(product, "dockerfile", url, paths));
  // initializeCommand runs where the repository is, in the machine, and never on this computer (S26).
  expect(existsSync("/tmp/berth-initialize-ran")).toBe(false);
  expect(must(product.machine("ls", "/tmp/berth-initialize-ran")).stdout).toContain("berth-initialize-ran");
});

test("a Compose repository with a database comes up as the bare devcontainer CLI brings it up", () => {
  const url = servers.publish("compose", join(repositories, "compose"));
  must(product.create(url, "compose"));
  const paths = ["$HOME/filled"];
  const ours = insideBerth(product, "compose", paths);
  expect(ours).toMatchObject({ user: "vscode", folder: "/srv/compose", files: { "/home/vscode/filled": expect.stringContaining("+OK") } });
  expect(ours.env).toMatchObject({ TIER: "development", DATABASE: "redis://db:6379" });
  // The database's port is on this computer, and what postCreateCommand wrote is in it.
  const [port] = must(product.berth("ports", "compose", "--json"))
    .stdout.trim()
    .split("\n");
  expect(JSON.parse(port ?? "{}")).toMatchObject({ containerPort: 6379, hostPort: expect.any(Number) });
  expect(ours).toEqual(insideBare(product, "compose", url, paths));
  must(product.berth("stop", "compose"));
  must(product.berth("start", "compose"));
  expect(
    must(
      product.berth(
        "exec",
        "compose",
        "--",
        "bash",
        "-c",
        "exec 3<>/dev/tcp/db/6379; printf 'GET greeting\\r\\n' >&3; read -r n <&3; read -r v <&3; echo $v",
      ),
    ).stdout,
  ).toContain("hello");
  must(product.berth("delete", "compose", "--force"));
  expect(product.machine("docker", "volume", "ls", "--quiet", "--filter", "label=com.docker.compose.project").stdout).not.toContain(
    "compose_data",
  );
});

test("a repository with an image and Features of a local registry comes up as the bare devcontainer CLI brings it up", () => {
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
  const url = servers.publish("features", join(repositories, "features"));
  must(product.create(url, "features"));
  const paths = ["$HOME/colour-of-the-day", "/usr/local/share/color/favourite"];
  const ours = insideBerth(product, "features", paths);
  expect(ours).toMatchObject({
    user: "vscode",
    folder: "/workspaces/features",
    files: { "/home/vscode/colour-of-the-day": "green " },
    env: { COLOR_HOME: "/usr/local/share/color" },
  });
  expect(ours).toEqual(insideBare(product, "features", url, paths));
});

test("two environments of one Compose repository do not touch each other", () => {
  const url = servers.publish("compose", join(repositories, "compose"));
  must(product.create(url, "twin-a"));
  must(product.create(url, "twin-b"));
  const hosts = (name: string): string => must(product.berth("exec", name, "--", "getent", "hosts", "db")).stdout;
  expect(hosts("twin-a")).not.toBe(hosts("twin-b"));
  must(product.berth("delete", "twin-a", "--force"));
  expect(product.show("twin-b")).toMatchObject({ phase: "running" });
  must(product.berth("exec", "twin-b", "--", "bash", "-c", "exec 3<>/dev/tcp/db/6379"));
  must(product.berth("delete", "twin-b", "--force"));
});
