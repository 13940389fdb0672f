import type { ServiceImpl } from "@connectrpc/connect";
import { open } from "node:fs/promises";
import { arch, homedir, hostname, release, userInfo } from "node:os";
import type { SupportService } from "../../contract/gen/berth/v1/support_pb.js";
import { messageOf } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import type { HostParts } from "../create-host.ts";
import { collectFacts } from "../diagnose/collect-facts.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import { computerGitIdentity } from "../settings/git-identity.ts";
import { type Part, supportSections } from "./support-bundle.ts";

const maxLogBytes = 256 * 1024;
const maxConsoleBytes = 64 * 1024;
const maxDedicatedConsoleBytes = 8 * 1024;

/** berth.v1.SupportService: what there is to know for somebody who helps, with nothing secret in it. */
export function supportService(parts: HostParts, env: NodeJS.ProcessEnv): Partial<ServiceImpl<typeof SupportService>> {
  return {
    getSupportBundle: async ({ keepNames }, context) => {
      const { machines, driver, paths, plane, settings } = parts;
      const machine = machines.shared.keeper;
      const facts = await collectFacts(parts, env, context.signal);
      const { nextSize } = settings;
      const person = await computerGitIdentity();
      const sections = supportSections(
        {
          versions: [
            ["Berth", version],
            ["Node", process.versions.node],
            ["system", `${process.platform} ${release()} ${arch()}`],
            ["driver", `${driver.name} ${facts.probe.version}, ${facts.probe.accelerator}`],
            ["machine image", machine.hello?.imageSha256 ?? ("sha256" in facts.image ? facts.image.sha256 : "none")],
            ["docker in the machine", machine.hello?.dockerVersion ?? "not running"],
            ...machines.all
              .filter(({ environmentId }) => environmentId !== undefined)
              .map(({ id, keeper }) => ["own machine", `${id}, ${keeper.view} ${keeper.failure ?? ""}`.trimEnd()] as const),
            [
              "machine size",
              `${nextSize.cpus} processors, ${nextSize.memoryBytes} bytes of memory, ${nextSize.dataDiskLimitBytes} bytes of disk`,
            ],
          ],
          diagnoses: diagnose(facts),
          environments: await plane.environmentStore.list(),
          hostLog: await partOf(async () => tail(paths.hostLog, maxLogBytes)),
          machineConsole: await partOf(async () => consoles(parts)),
        },
        { homes: [homedir()], names: [userInfo().username, hostname(), person.name, settings.stored.gitUserName] },
        { keepNames },
      );
      const at = new Date().toISOString().slice(0, 16).replaceAll(":", "-");
      return { sections, fileName: `berth-support-${at}.txt` };
    },
  };
}

/** The ends of all machines' consoles, the shared one's first and the longest. */
async function consoles({ machines, driver }: HostParts): Promise<string> {
  const tails = machines.all.map(async (machine) => {
    if (machine === machines.shared) return driver.consoleTail(machine.id, maxConsoleBytes);
    return `\n--- ${machine.id} ---\n${await driver.consoleTail(machine.id, maxDedicatedConsoleBytes).catch(messageOf)}`;
  });
  return (await Promise.all(tails)).join("");
}

async function partOf(read: () => Promise<string>): Promise<Part> {
  try {
    return { text: await read() };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** The end of a file, from a whole line on. */
async function tail(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, maxBytes)), 0, Math.min(size, maxBytes), from);
    const text = buffer.subarray(0, bytesRead).toString("utf8");
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}
