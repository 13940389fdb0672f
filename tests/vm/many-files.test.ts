import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { bundlePrograms, must, Product, run, Servers } from "./product.ts";

const product = new Product();
const servers = new Servers(product);
/** git looks at every one of many files. */
const stateTimeoutMs = 90_000;

beforeAll(() => {
  bundlePrograms();
  servers.start();
});

afterAll(() => product.end());

test("a repository of 100,000 files is cloned and its state told", async () => {
  const many = servers.publish("team/many", undefined, (folder, git) => {
    for (let f = 0; f < 1000; f++) writeFileSync(join(folder, `f${f}`), `${f}\n`);
    git("add", "--all");
    git("commit", "--quiet", "--message", "A thousand");
    // A hundred folders of the same tree are made in a moment, and cloned as any others.
    const tree = must(run("git", ["rev-parse", "HEAD^{tree}"], { cwd: folder })).stdout.trim();
    const lines = Array.from({ length: 100 }, (_, d) => `040000 tree ${tree}\td${d}\n`).join("");
    git("read-tree", must(run("git", ["mktree"], { cwd: folder, input: lines })).stdout.trim());
    git("commit", "--quiet", "--message", "Many");
  });
  const folder = (await product.cloneAll([{ name: "many", source: many }])).get("many") ?? "";
  expect(must(product.machine("sh", "-c", `find ${folder}/d* -type f | wc -l`)).stdout.trim()).toBe("100000");
  const state = (): unknown => product.show("many");
  const told = await waitUntil(() => /"commit":"[0-9a-f]{40}"/.test(JSON.stringify(state())), {
    intervalMs: 1000,
    signal: AbortSignal.timeout(stateTimeoutMs),
  });
  expect(told).toBe(true);
  expect(state()).toMatchObject({ branch: "main", changed: 0, unpushed: 0 });
});
