import { rmSync } from "node:fs";
import { join } from "node:path";
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

  removeSockets(): void {
    for (const path of [this.paths.qmpSocket, this.paths.agentSocket, this.paths.netSocket, this.passtPidFile])
      rmSync(path, { force: true });
  }
}
