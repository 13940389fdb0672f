import { expect, inject, test } from "vitest";
import { must, Product } from "../vm/product.ts";

const product = new Product(inject("productFolder"));

test("a folder becomes a running environment that answers on its port and by ssh", async () => {
  const started = must(product.start("samples/node-web", "--json"));
  const ready: { name: string; sshCommand: string; editorUrl: string; urls: string[] } = JSON.parse(
    started.stdout.trim().split("\n").at(-1) ?? "",
  );
  expect(ready).toMatchObject({ name: "node-web", sshCommand: "ssh node-web.berth" });
  expect(ready.editorUrl).toBe("vscode://vscode-remote/ssh-remote+node-web.berth/workspaces/node-web?windowId=_blank");
  const answer = await fetch(ready.urls[0] ?? "");
  expect(await answer.text()).toContain("Node v24");

  const version = product.ssh("node-web", "node -v && whoami && pwd && echo $SAMPLE");
  expect(version.stdout.trim().split("\n"), version.stderr).toEqual([
    expect.stringMatching(/^v24\./),
    "vscode",
    "/workspaces/node-web",
    "node-web",
  ]);
  expect(product.ssh("node-web", "exit 7").status).toBe(7);
  must(product.ssh("node-web", "echo kept > kept.txt"));

  must(product.berth("stop", "node-web"));
  must(product.berth("start", "node-web"));
  expect(product.ssh("node-web", "cat kept.txt").stdout).toBe("kept\n");

  // The first build found that the image's user needs no other number, which spares the second one a build.
  must(product.berth("rebuild", "node-web"));
  expect(product.berth("logs", "node-web").stdout).not.toContain("updateUID");
  expect(product.ssh("node-web", "id -u && id -g && cat kept.txt").stdout).toBe("1000\n1000\nkept\n");
  must(product.berth("delete", "node-web", "--force"));
  expect(product.names()).not.toContain("node-web");
});
