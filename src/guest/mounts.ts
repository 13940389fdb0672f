export interface Mount {
  readonly device: string;
  readonly options: readonly string[];
}

/** What is mounted on a folder, by the text of /proc/mounts (proc_pid_mounts(5)); of several the one that is seen. */
export function mountOf(mounts: string, folder: string): Mount | undefined {
  const found = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .findLast(([, mountPoint]) => mountPoint === folder);
  return found === undefined ? undefined : { device: found[0] ?? "", options: (found[3] ?? "").split(",") };
}
