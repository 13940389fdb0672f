import { closeSync, openSync, readSync, statSync } from "node:fs";
import { z } from "zod";
import { splitQuoted, trimQuotes, vfkitBootloaders, vfkitDevices, vfkitFlags } from "../../../src/vm/vz/vfkit-options.ts";

/** sockaddr_un(5) of macOS without its last byte. */
const maxSocketPathBytes = 103;
const arm64Magic = { text: "ARMd", offset: 0x38 } as const;
const x86Magic = { text: "HdrS", offset: 0x202 } as const;
const qcow2Magic = "QFI\u00fb";

export interface FakeDevice {
  readonly kind: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface FakeMachine {
  readonly cpus: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  /** Of the kernel file, which decides the emulator. */
  readonly arch: "amd64" | "arm64";
  readonly devices: readonly FakeDevice[];
  readonly restSocket: string | undefined;
  readonly pidFile: string | undefined;
}

/** What vfkit's arguments ask for. Fails with vfkit's own words for whatever vfkit 0.6.4 refuses, or this cannot stand for. */
export function parseCommandLine(args: readonly string[]): FakeMachine | "version" {
  const flags = parseFlags(args);
  if (flags.has("version")) return "version";
  const one = (name: string): string | undefined => flags.get(name)?.at(-1);
  if (["kernel", "initrd", "kernel-cmdline"].some((name) => flags.has(name)))
    throw new Error("the deprecated kernel flags are not to be used");
  if (["gui", "ignition", "cloud-init", "timesync", "nested"].some((name) => flags.has(name)))
    throw new Error("this stand-in has no gui, ignition, cloud-init, timesync and nested");
  const bootloader = parseBootloader(one("bootloader"));
  return {
    cpus: positive("cpus", one("cpus") ?? "1"),
    memoryMib: positive("memory", one("memory") ?? "512"),
    ...bootloader,
    devices: (flags.get("device") ?? []).map(parseDevice),
    restSocket: parseRestUri(one("restful-uri")),
    pidFile: one("pidfile"),
    // Last, as in vfkit: the kernel is looked at when all arguments are known to be good.
    arch: archOf(bootloader.kernel),
  };
}

/** As cobra does it: `--flag value`, `--flag=value`, `-f value`. */
function parseFlags(args: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [head = "", ...tail] = argument.split("=");
    const flag = vfkitFlags.find(({ name, short }) => head === `--${name}` || (short !== undefined && head === `-${short}`));
    if (flag === undefined) throw new Error(`unknown flag: ${head}`);
    const inline = argument.includes("=") ? tail.join("=") : undefined;
    const value = flag.kind === "flag" ? "" : (inline ?? rest.shift());
    if (value === undefined) throw new Error(`flag needs an argument: ${head}`);
    found.set(flag.name, [...(found.get(flag.name) ?? []), value]);
  }
  return found;
}

function positive(name: string, text: string): number {
  return z.coerce.number(`invalid argument "${text}" for --${name}`).int().positive().parse(text);
}

function parseBootloader(value: string | undefined): Pick<FakeMachine, "kernel" | "initrd" | "commandLine"> {
  const [kind = "", ...parts] = splitQuoted(value ?? "");
  if (vfkitBootloaders[kind] === undefined) throw new Error(`unknown bootloader type: ${kind}`);
  if (kind !== "linux") throw new Error("this stand-in boots Linux kernels");
  const options = parseOptions(`${kind} bootloaders`, vfkitBootloaders[kind], parts);
  const { kernel, initrd, cmdline } = z.object({ kernel: z.string(), initrd: z.string(), cmdline: z.string() }).parse(options);
  return { kernel, initrd, commandLine: trimQuotes(cmdline) };
}

function parseDevice(value: string): FakeDevice {
  const [kind = "", ...parts] = value.split(",");
  const known = vfkitDevices[kind];
  if (known === undefined) throw new Error(`unknown device type: ${kind}`);
  const device = { kind, options: parseOptions(`${kind} devices`, known, parts) };
  checkDevice(device);
  return device;
}

function parseOptions(what: string, known: Readonly<Record<string, string>>, parts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    parts
      .filter((part) => part !== "")
      .map((part) => {
        const [key = "", ...rest] = part.split("=");
        const kind = known[key];
        if (kind === undefined) throw new Error(`unknown option for ${what}: ${key}`);
        if (kind === "flag" && part.includes("=")) throw new Error(`unexpected value for ${what} '${key}' option: ${rest.join("=")}`);
        return [key, rest.join("=")];
      }),
  );
}

function checkDevice({ kind, options }: FakeDevice): void {
  const given = (...names: readonly string[]): number => names.filter((name) => options[name] !== undefined).length;
  if (kind === "virtio-blk") {
    if (readAt(options["path"] ?? "", 0, qcow2Magic.length) === qcow2Magic) throw new Error("qcow2 disk images are not supported");
  } else if (kind === "virtio-serial" && given("logFilePath", "stdio", "pty") !== 1)
    throw new Error("one of 'logFilePath', 'stdio' or 'pty' must be set");
  else if (kind === "virtio-net" && given("nat", "fd", "unixSocketPath", "path") !== 1)
    throw new Error("one of 'nat' or 'fd' or 'unixSocketPath' must be set");
  else if (kind === "virtio-fs") {
    if (statSync(options["sharedDir"] ?? "", { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new Error('Error Domain=VZErrorDomain Code=2 "A directory sharing device configuration is invalid."');
  } else if (kind === "virtio-vsock") {
    z.coerce.number().int().positive().parse(options["port"]);
    // vfkit puts the path into a URL and listens at what comes out of it.
    const path = options["socketURL"] ?? "";
    if (new URL(`unix://${path}`).pathname !== path) throw new Error(`the path of a vsock's socket would be escaped: ${path}`);
  }
}

/** The path of the REST service's socket (pkg/rest/rest.go). */
function parseRestUri(uri: string | undefined): string | undefined {
  if (uri === undefined || uri === "none://") return undefined;
  const match = /^unix:\/\/(\/.+)$/.exec(uri);
  if (match?.[1] === undefined) throw new Error(`invalid unix uri: ${uri}`);
  if (Buffer.byteLength(match[1]) > maxSocketPathBytes) throw new Error("invalid unix uri: socket path length exceeds macOS limits");
  return decodeURIComponent(match[1]);
}

/** vfkit on Apple silicon takes an uncompressed arm64 kernel and nothing else; an x86 one stands for a Mac with Intel. */
function archOf(kernel: string): "amd64" | "arm64" {
  if (readAt(kernel, arm64Magic.offset, arm64Magic.text.length) === arm64Magic.text) return "arm64";
  if (readAt(kernel, x86Magic.offset, x86Magic.text.length) === x86Magic.text) return "amd64";
  throw new Error(`kernel must be uncompressed, ${kernel} is a compressed file`);
}

function readAt(path: string, offset: number, length: number): string {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, offset)).toString("latin1");
  } finally {
    closeSync(file);
  }
}

/** The machine as `GET /vm/inspect` tells it (pkg/config/json.go). */
export function inspection({ cpus, memoryMib, kernel, initrd, commandLine, devices }: FakeMachine): unknown {
  return {
    vcpus: cpus,
    memoryBytes: memoryMib * 1024 ** 2,
    bootloader: { kind: "linuxBootloader", vmlinuzPath: kernel, kernelCmdLine: commandLine, initrdPath: initrd },
    devices: devices.map(({ kind, options }) => ({
      kind: kind === "virtio-vsock" ? "virtiosock" : kind.replaceAll("-", ""),
      ...(kind === "virtio-blk" ? { devName: kind, readOnly: options["readonly"] !== undefined } : {}),
      ...(options["path"] === undefined ? {} : { imagePath: options["path"] }),
      ...(options["deviceId"] === undefined ? {} : { deviceIdentifier: options["deviceId"] }),
      ...(options["logFilePath"] === undefined ? {} : { logFile: options["logFilePath"] }),
      ...(kind === "virtio-vsock"
        ? { port: Number(options["port"]), socketURL: options["socketURL"], listen: options["connect"] === undefined }
        : {}),
    })),
  };
}
