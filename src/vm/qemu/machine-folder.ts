import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { identifyProcess, type ProcessIdentity } from "../../lib/process-identity.ts";
import { commandLineOf } from "../child-process.ts";
import { checkCommas, checkSocketPath, MachineFolderBase } from "../machine-folder.ts";
import type { MachinePaths } from "./arguments.ts";
import { SavedState } from "./saved-state.ts";

/** The files of one machine under QEMU. */
export class MachineFolder extends MachineFolderBase<"qemu" | "passt"> {
  readonly paths: MachinePaths;
  readonly passtPidFile: string;
  readonly passtLog: string;
  readonly qemuLog: string;
  readonly saved: SavedState;

  constructor(options: { readonly machinesFolder: string; readonly runFolder: string; readonly id: string }) {
    super(options);
    this.paths = {
      dataDisk: this.dataDisk,
      console: this.console,
      linkKey: this.linkKey,
      pidFile: join(this.folder, "qemu.pid"),
      qmpSocket: join(this.runFolder, "qmp.sock"),
      agentSocket: join(this.runFolder, "agent.sock"),
      netSocket: join(this.runFolder, "net.sock"),
    };
    this.passtPidFile = join(this.runFolder, "passt.pid");
    this.passtLog = join(this.folder, "passt.log");
    this.qemuLog = join(this.folder, "qemu.log");
    this.saved = new SavedState(this.folder, this.dataDisk);
    checkCommas(Object.values(this.paths));
    checkSocketPath(this.paths.agentSocket);
  }

  /** A process that QEMU's own pid file names but we had no time to note, because the host was killed. */
  readStrayQemu(): ProcessIdentity | undefined {
    try {
      const identity = identifyProcess(Number(readFileSync(this.paths.pidFile, "utf8").trim()));
      if (identity === undefined) return undefined;
      return commandLineOf(identity.pid).includes(this.paths.dataDisk) ? identity : undefined;
    } catch {
      return undefined;
    }
  }

  removeSockets(): void {
    for (const path of [this.paths.qmpSocket, this.paths.agentSocket, this.paths.netSocket, this.passtPidFile])
      rmSync(path, { force: true });
  }
}
