import type { MachineExit } from "../driver.ts";
import { lastWords } from "../child-process.ts";
import { readTail } from "../read-tail.ts";
import type { VzMachineFolder } from "./machine-folder.ts";

/** What vfkit says last when its guest ended in good order. */
const orderlyEnd = "VM is stopped";
const logTailBytes = 4096;

/** How a machine that nobody was asked to end has ended, from what its vfkit said last. */
export async function exitOf(folder: VzMachineFolder): Promise<MachineExit> {
  const said = await readTail(folder.vfkitLog, logTailBytes);
  if (said.includes(orderlyEnd)) return { reason: "shutdown", detail: "", atMs: Date.now() };
  return { reason: "crashed", detail: lastWords(folder.vfkitLog) ?? "the hypervisor's process is gone", atMs: Date.now() };
}
