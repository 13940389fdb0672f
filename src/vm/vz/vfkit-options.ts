/** What comes after an option's name: nothing, or a value; `flag` refuses a value, as vfkit does for most. */
type ValueKind = "flag" | "value";

export interface VfkitFlag {
  readonly name: string;
  readonly short?: string;
  readonly kind: ValueKind;
  /** May be given more than once. */
  readonly repeats?: true;
}

/** Every flag of vfkit 0.6.4 (pkg/cmdline/cmdline.go and doc/usage.md); it refuses all others. */
export const vfkitFlags: readonly VfkitFlag[] = [
  { name: "cpus", short: "c", kind: "value" },
  { name: "memory", short: "m", kind: "value" },
  { name: "bootloader", short: "b", kind: "value" },
  { name: "device", short: "d", kind: "value", repeats: true },
  { name: "restful-uri", kind: "value" },
  { name: "pidfile", kind: "value" },
  { name: "log-level", kind: "value" },
  { name: "timesync", short: "t", kind: "value" },
  { name: "ignition", kind: "value" },
  { name: "cloud-init", kind: "value" },
  { name: "nested", short: "n", kind: "flag" },
  { name: "gui", kind: "flag" },
  { name: "kernel", short: "k", kind: "value" },
  { name: "initrd", short: "i", kind: "value" },
  { name: "kernel-cmdline", short: "C", kind: "value" },
  { name: "version", short: "v", kind: "flag" },
  { name: "help", short: "h", kind: "flag" },
];

/** Every bootloader with its options (pkg/config/bootloader.go). */
export const vfkitBootloaders: Readonly<Record<string, Readonly<Record<string, ValueKind>>>> = {
  linux: { kernel: "value", initrd: "value", cmdline: "value" },
  efi: { "variable-store": "value", create: "flag" },
  macos: { machineIdentifierPath: "value", hardwareModelPath: "value", auxImagePath: "value" },
};

const disk = { path: "value", type: "value", readonly: "flag" } as const;

/**
 * Every device with its options (pkg/config/virtio.go). Where the manual and the program differ the program is
 * right: `readonly` of virtio-blk is not in the manual, and Rosetta's `ignore-if-missing` is there as ignoreIfMissing.
 */
export const vfkitDevices: Readonly<Record<string, Readonly<Record<string, ValueKind>>>> = {
  "virtio-blk": { ...disk, deviceId: "value" },
  nvme: disk,
  "usb-mass-storage": disk,
  nbd: { uri: "value", deviceId: "value", timeout: "value", sync: "value", readonly: "flag" },
  "virtio-net": {
    nat: "flag",
    mac: "value",
    fd: "value",
    unixSocketPath: "value",
    type: "value",
    path: "value",
    vfkitMagic: "value",
    offloading: "value",
  },
  "virtio-serial": { logFilePath: "value", stdio: "flag", pty: "flag" },
  "virtio-rng": {},
  "virtio-balloon": {},
  "virtio-vsock": { port: "value", socketURL: "value", connect: "flag", listen: "flag" },
  "virtio-fs": { sharedDir: "value", mountTag: "value" },
  rosetta: { mountTag: "value", install: "flag", "ignore-if-missing": "flag" },
  "virtio-gpu": { width: "value", height: "value" },
  "virtio-input": { keyboard: "flag", pointing: "flag" },
};

/** Splits a bootloader's value at its commas as vfkit does (pkg/cmdline/string_slice.go): not between quotes, which stay. */
export function splitQuoted(text: string): string[] {
  const parts = [""];
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (character === "," && !quoted) parts.push("");
    else parts[parts.length - 1] += character;
  }
  if (quoted) throw new Error('mismatched "');
  return parts.map(trimQuotes);
}

/** Takes one pair of quotes around a whole value away. */
export function trimQuotes(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
