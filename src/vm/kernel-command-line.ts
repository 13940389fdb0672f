export interface KernelCommandLineOptions {
  readonly imageSha256: string;
  /** `ADDRESS/PREFIX,GATEWAY,NAME SERVER`, or `dhcp`; see berth-boot in the image. */
  readonly network: string;
  /** Given once, for a disk that was made just now; see berth-boot in the image. */
  readonly formatToken: string | undefined;
}

/** What every hypervisor tells the machine's kernel and berth-boot; no secret, since others can read a process's arguments. */
export function kernelCommandLine({ imageSha256, network, formatToken }: KernelCommandLineOptions): string {
  const words = [
    "console=hvc0",
    "quiet",
    "loglevel=3",
    "panic=5",
    "8250.nr_uarts=0",
    // The agent reads every container's sockets each second, which walks all of this table; by default it is for a large server.
    "thash_entries=4096",
    // Work in a container should cost what it does beside it: no accounting of the kernel's own memory by container, no
    // pressure figures that nobody reads, and no security modules without a policy (Docker's confinement is seccomp here).
    "cgroup.memory=nokmem",
    "psi=0",
    "lsm=landlock,yama,bpf",
    `berth.image=${imageSha256.slice(0, 16)}`,
    `berth.ip=${network}`,
  ];
  return [...words, ...(formatToken === undefined ? [] : [`berth.format=${formatToken}`])].join(" ");
}
