export interface Mount {
  readonly device: string;
  readonly options: readonly string[];
}

/** A mount with where it is. */
export interface MountedPlace extends Mount {
  readonly path: string;
  /** Of its file system. */
  readonly type: string;
}

/** What is mounted on a folder, by the text of /proc/mounts (proc_pid_mounts(5)); of several the one that is seen. */
export function mountOf(mounts: string, folder: string): Mount | undefined {
  return parse(mounts).findLast(({ path }) => path === folder);
}

/** Whether a folder is a mount itself, and read-only. */
export function isMountedReadOnly(mounts: string, folder: string): boolean {
  return mountOf(mounts, folder)?.options.includes("ro") ?? false;
}

/** What is mounted on a folder and on those in it, in the order in which it was mounted. */
export function mountsBelow(mounts: string, folder: string): MountedPlace[] {
  return parse(mounts).filter(({ path }) => path === folder || path.startsWith(`${folder}/`));
}

function parse(mounts: string): MountedPlace[] {
  return mounts
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [device = "", path = "", type = "", options = ""] = line.split(" ");
      return { device, path, type, options: options.split(",") };
    });
}
