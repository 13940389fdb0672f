import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { checkCommas, checkSocketPath, MachineFolderBase } from "../machine-folder.ts";
import type { VzPaths } from "./arguments.ts";
import { writeConfigDisk } from "./config-disk.ts";

/** vfkit makes URLs of its sockets' paths, and then listens at the escaped path. */
const plainPathPattern = /^[A-Za-z0-9/._~-]+$/;
/** vfkit's end of the network's socket: `vfkit-<pid>-<random>.sock`, beside gvproxy's. */
const vfkitSocketPattern = /^vfkit-[0-9a-f]+-[0-9a-f]+\.sock$/;
const longestVfkitSocket = "vfkit-1869f-ffff.sock";

/** The files of one machine under vfkit. */
export class VzMachineFolder extends MachineFolderBase<"vfkit" | "gvproxy"> {
  readonly paths: VzPaths;
  readonly vfkitLog: string;
  readonly gvproxyLog: string;
  readonly gvproxyPidFile: string;

  constructor(options: { readonly machinesFolder: string; readonly runFolder: string; readonly id: string }) {
    super(options);
    this.paths = {
      dataDisk: this.dataDisk,
      configDisk: join(this.folder, "config.raw"),
      console: this.console,
      pidFile: join(this.folder, "vfkit.pid"),
      restSocket: join(this.runFolder, "rest.sock"),
      agentSocket: join(this.runFolder, "agent.sock"),
      netSocket: join(this.runFolder, "net.sock"),
    };
    this.vfkitLog = join(this.folder, "vfkit.log");
    this.gvproxyLog = join(this.folder, "gvproxy.log");
    this.gvproxyPidFile = join(this.runFolder, "gvproxy.pid");
    checkCommas(Object.values(this.paths));
    checkSocketPath(join(this.runFolder, longestVfkitSocket));
    if (!plainPathPattern.test(this.runFolder))
      throw new BerthError("hypervisor-failed", `the folder of vfkit's sockets has a blank or a special character: ${this.runFolder}`);
  }

  async writeConfigDisk(): Promise<void> {
    await writeConfigDisk(this.paths.configDisk, this.readLinkKey());
  }

  /** Of a vfkit that was killed; with one of them left, the next would end at once. */
  removeSockets(): void {
    const { restSocket, agentSocket, netSocket } = this.paths;
    const left = listFolder(this.runFolder).filter((name) => vfkitSocketPattern.test(name));
    for (const path of [restSocket, agentSocket, netSocket, this.gvproxyPidFile, ...left.map((name) => join(this.runFolder, name))])
      rmSync(path, { force: true });
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
