import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { waitUntil } from "../../lib/wait-until.ts";
import { canaryBootSector } from "./canary.ts";

const folder = mkdtempSync(join(tmpdir(), "canary-test-"));
const limitMs = 4000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the canary is a bootable sector", () => {
  const sector = canaryBootSector();
  expect(sector).toHaveLength(512);
  expect([...sector.subarray(510)]).toEqual([0x55, 0xaa]);
});

test("a process that ends while the canary runs takes it along, with its folder", async () => {
  // Stands for a QEMU whose guest makes no progress.
  const qemu = join(folder, "qemu");
  writeFileSync(
    qemu,
    `#!/bin/sh\necho $$ > ${join(folder, "pid.new")} && mv ${join(folder, "pid.new")} ${join(folder, "pid")}\nexec sleep 60\n`,
    {
      mode: 0o755,
    },
  );
  const script = `
    import { canarySings } from ${JSON.stringify(join(import.meta.dirname, "canary.ts"))};
    import { existsSync } from "node:fs";
    void canarySings(${JSON.stringify(qemu)}, "kvm", new AbortController().signal);
    setInterval(() => existsSync(${JSON.stringify(join(folder, "pid"))}) && process.exit(0), 5);
  `;
  const host = spawn(process.execPath, ["--input-type=module", "--eval", script], { env: { ...process.env, TMPDIR: folder } });
  const [code] = await once(host, "exit");
  expect(code).toBe(0);
  const pid = readFileSync(join(folder, "pid"), "utf8").trim();
  const gone = (): boolean => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  expect(await waitUntil(gone, { intervalMs: 20, signal: AbortSignal.timeout(limitMs) })).toBe(true);
  expect(readdirSync(folder).filter((name) => name.startsWith("berth-canary-"))).toEqual([]);
});
