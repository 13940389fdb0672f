import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { must, type Outcome, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "folders";
const other = "without-folders";
const data = join(product.folder, "data");
const results = join(product.folder, "results");

const inside = (command: string, environment = name): Outcome => product.berth("exec", environment, "--", "sh", "-c", command);

/** Waits in a shell until a file has a word, and not for ever. */
const untilSeen = (word: string, file: string): string => `for i in $(seq 100); do grep -q ${word} ${file} && break; sleep 0.2; done`;

beforeAll(() => {
  for (const environment of [name, other]) {
    const folder = join(product.folder, environment);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeFileSync(join(folder, "readme.txt"), "hello\n");
    must(product.create(folder, environment));
  }
  for (const folder of [data, results]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(join(data, "note.txt"), "from here\n");
});

afterAll(() => {
  for (const environment of [name, other]) product.berth("delete", environment, "--force");
});

test("a folder is there after the next start of the machine, and says so before", () => {
  const added = product.berth("share", "add", name, data);
  expect(must(added).stderr).toContain("/mnt/host/data");
  expect(added.stderr).toContain("berth machine restart");
  must(product.berth("share", "add", name, results, "--write", "--as", "out"));
  expect(inside("ls /mnt/host").stdout).toBe("");
  must(product.berth("machine", "restart"));
  must(product.berth("start", name));
  must(product.berth("start", other));
  expect(must(product.berth("share", "list")).stdout).toMatch(/data +data +read-only +shared\n.*results +out +writable +shared/);
  expect(must(inside("cat /mnt/host/data/note.txt")).stdout).toBe("from here\n");
});

test("what is here is there at once, and the other way only where that was allowed", () => {
  appendFileSync(join(data, "note.txt"), "and more\n");
  expect(must(inside(`${untilSeen("more", "/mnt/host/data/note.txt")}; cat /mnt/host/data/note.txt`)).stdout).toBe("from here\nand more\n");
  expect(inside("echo spoilt > /mnt/host/data/note.txt").stderr).toContain("Read-only");
  // Nor for the machine itself, which a hostile repository may have taken.
  const hostile = "mount -o remount,rw /run/berth/host/*/data; echo spoilt > $(echo /run/berth/host/*/data)/note.txt";
  expect(product.machine("sh", "-c", hostile).stderr).toContain("Read-only");
  expect(readFileSync(join(data, "note.txt"), "utf8")).toBe("from here\nand more\n");

  must(inside("mkdir /mnt/host/out/deep && echo made > /mnt/host/out/deep/made.txt"));
  const made = join(results, "deep/made.txt");
  expect(readFileSync(made, "utf8")).toBe("made\n");
  expect(statSync(made).uid).toBe(process.getuid?.());
  expect(must(inside("stat -c %U /mnt/host/out/deep/made.txt && id -un")).stdout).toMatch(/^(\w+)\n\1\n$/);
});

test("nothing leads out of a folder, and no other environment's container has it", () => {
  must(inside("ln -s ../../../../etc/passwd /mnt/host/out/link && ln -s / /mnt/host/out/whole"));
  expect(must(inside("readlink -f /mnt/host/out/link")).stdout).toBe("/etc/passwd\n");
  // A link is followed in the container, where it leads nowhere else than any other link.
  expect(must(inside("test $(stat -c %i /mnt/host/out/whole/) = $(stat -c %i /) && echo same")).stdout).toBe("same\n");
  expect(existsSync(join(results, "etc"))).toBe(false);
  expect(inside("ls /mnt/host", other).stdout).toBe("");
  expect(
    product.machine("sh", "-c", "docker exec -u 0 $(docker ps -q --filter label=berth.environment | head -1) touch /mnt/host/mine").stderr,
  ).toContain("Read-only");
});

test("a suspended machine goes on with its folders", () => {
  must(inside(`nohup tail -f /mnt/host/data/note.txt >/tmp/followed 2>&1 & ${untilSeen("more", "/tmp/followed")}`));
  must(product.berth("machine", "suspend"));
  appendFileSync(join(data, "note.txt"), "while it slept\n");
  expect(must(inside("tail -1 /mnt/host/data/note.txt")).stdout).toBe("while it slept\n");
  expect(must(inside(`${untilSeen("slept", "/tmp/followed")}; cat /tmp/followed`)).stdout).toBe("from here\nand more\nwhile it slept\n");
  expect(must(inside("echo again > /mnt/host/out/again.txt")).status).toBe(0);
  expect(readFileSync(join(results, "again.txt"), "utf8")).toBe("again\n");
});

test("a folder that is taken back is gone with the next start, and its files stay", () => {
  must(product.berth("share", "remove", name, "out"));
  must(product.berth("share", "remove", name, data));
  expect(product.berth("share", "list").stdout).toContain("removed");
  expect(inside("ls /mnt/host").stdout).toBe("");
  must(product.berth("machine", "restart"));
  must(product.berth("start", name));
  expect(inside("ls /mnt/host").stdout).toBe("");
  expect(readFileSync(join(results, "again.txt"), "utf8")).toBe("again\n");
  expect(product.berth("share", "list", "--json").stdout).toBe("");
});
