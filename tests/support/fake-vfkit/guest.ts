import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import { QmpClient } from "../../../src/vm/qemu/qmp.ts";
import type { FakeDevice, FakeMachine } from "./command-line.ts";

/** vfkit gives its guest so long to reach Running. */
const runningLimitMs = 5000;
const pollMs = 20;

/** Beside the devices that vfkit names: what QEMU needs to stand for a Mac. */
const emulators = {
  amd64: { program: "qemu-system-x86_64", machine: "q35,vmport=off,smbus=off", cpu: "max,-erms,-fsrm" },
  arm64: { program: "qemu-system-aarch64", machine: "virt,gic-version=max", cpu: "max,pauth-impdef=on" },
} as const;

/** A socket in the guest's port is only a place on the host here: the guest has no vsock without /dev/vhost-vsock. */
export interface VsockPort {
  readonly port: number;
  /** Where vfkit's user connects. */
  readonly socketPath: string;
  /** QEMU's end of the virtio port `berth.vsock.<port>`, which takes one connection at a time. */
  readonly portSocket: string;
}

/** The guest on QEMU. It ends with this process, however that ends, as one of vfkit does. */
export class Guest {
  readonly vsockPorts: readonly VsockPort[];
  readonly #machine: FakeMachine;
  readonly #folder = mkdtempSync(join(tmpdir(), "fv-"));
  #qmp: QmpClient | undefined;
  #process: ChildProcess | undefined;

  constructor(machine: FakeMachine) {
    this.#machine = machine;
    this.vsockPorts = machine.devices
      .filter(({ kind }) => kind === "virtio-vsock")
      .map(({ options }) => ({
        port: Number(options["port"]),
        socketPath: options["socketURL"] ?? "",
        portSocket: join(this.#folder, `vsock-${options["port"]}`),
      }));
  }

  /** Resolves when the guest runs; `onEnd` is called once when it has ended. */
  async start(onEnd: () => void): Promise<void> {
    const { program } = emulators[this.#machine.arch];
    await this.#serveFolders();
    const qemu = spawn("setpriv", ["--pdeathsig", "KILL", program, ...this.#arguments()], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = qemu;
    let said = "";
    qemu.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    qemu.once("exit", onEnd);
    const up = await waitUntil(
      async () =>
        qemu.exitCode !== null ||
        (await QmpClient.connect(
          join(this.#folder, "qmp"),
          () => undefined,
          () => undefined,
        ).then(
          (client) => {
            this.#qmp = client;
            return true;
          },
          () => false,
        )),
      { intervalMs: pollMs, signal: AbortSignal.timeout(runningLimitMs) },
    );
    // macOS says so when another process holds a disk.
    if (!up || this.#qmp === undefined)
      throw new Error(`Error Domain=VZErrorDomain Code=2 "The storage device attachment is invalid." ${said.trim()}`);
  }

  async pause(): Promise<void> {
    await this.#qmp?.execute("stop");
  }

  async resume(): Promise<void> {
    await this.#qmp?.execute("cont");
  }

  async pressPowerButton(): Promise<void> {
    await this.#qmp?.execute("system_powerdown");
  }

  pullPlug(): void {
    this.#process?.kill("SIGKILL");
  }

  removeFiles(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One virtiofsd for each folder, which ends with QEMU. */
  async #serveFolders(): Promise<void> {
    const sockets = this.#folders.map(({ options }, index) => {
      const socket = this.#folderSocket(index);
      const args = [`--shared-dir=${options["sharedDir"]}`, `--socket-path=${socket}`, "--log-level=error"];
      spawn(process.env["BERTH_VIRTIOFSD"] || "virtiofsd", args, { stdio: "ignore" }).once("error", () => undefined);
      return socket;
    });
    await waitUntil(() => sockets.every((socket) => existsSync(socket)), {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(runningLimitMs),
    });
  }

  get #folders(): readonly FakeDevice[] {
    return this.#machine.devices.filter(({ kind }) => kind === "virtio-fs");
  }

  #folderSocket(index: number): string {
    return join(this.#folder, `fs-${index}`);
  }

  #folderArguments(): string[] {
    const memory = `memory-backend-memfd,id=mem,size=${this.#machine.memoryMib}M,share=on`;
    const devices = this.#folders.flatMap(({ options }, index) => [
      ...["-chardev", `socket,id=fs${index},path=${this.#folderSocket(index)}`],
      ...["-device", `vhost-user-fs-pci,chardev=fs${index},tag=${options["mountTag"]}`],
    ]);
    return devices.length === 0 ? [] : ["-object", memory, "-machine", "memory-backend=mem", ...devices];
  }

  #arguments(): string[] {
    const { arch, cpus, memoryMib, kernel, initrd, commandLine, devices } = this.#machine;
    const { machine, cpu } = emulators[arch];
    return [
      ...["-nodefaults", "-no-user-config", "-display", "none", "-machine", machine, "-cpu", cpu],
      ...["-accel", "tcg,thread=multi,tb-size=512", "-smp", String(cpus), "-m", `${memoryMib}M`],
      ...["-kernel", kernel, "-initrd", initrd, "-append", commandLine],
      ...["-device", "virtio-serial-pci"],
      ...["-chardev", `socket,id=qmp,path=${join(this.#folder, "qmp")},server=on,wait=off`, "-mon", "chardev=qmp,mode=control"],
      ...devices.flatMap((device, index) => deviceArguments(device, index)),
      ...this.#folderArguments(),
      ...this.vsockPorts.flatMap(({ port, portSocket }) => [
        ...["-chardev", `socket,id=vsock${port},path=${portSocket},server=on,wait=off`],
        ...["-device", `virtserialport,chardev=vsock${port},name=berth.vsock.${port}`],
      ]),
    ];
  }
}

function deviceArguments({ kind, options }: FakeDevice, index: number): string[] {
  const id = `dev${index}`;
  if (kind === "virtio-blk") {
    const readOnly = options["readonly"] === undefined ? "off" : "on";
    return [
      ...["-blockdev", `driver=raw,node-name=${id},read-only=${readOnly},discard=unmap,file.driver=file,file.filename=${options["path"]}`],
      ...["-device", `virtio-blk-pci,drive=${id},serial=${options["deviceId"] ?? ""}`],
    ];
  }
  if (kind === "virtio-net") {
    if (options["nat"] === undefined) throw new Error("this stand-in has no network but nat");
    // The subnet of macOS's NAT; slirp has its name server at an address of its own.
    const network = `user,id=${id},ipv6=off,net=192.168.64.0/24,host=192.168.64.1,dns=192.168.64.3,dhcpstart=192.168.64.15`;
    return ["-netdev", network, "-device", `virtio-net-pci,netdev=${id},mac=${options["mac"]},romfile=`];
  }
  if (kind === "virtio-serial") {
    const path = options["logFilePath"];
    if (path === undefined) throw new Error("this stand-in writes a console to a file");
    return ["-chardev", `file,id=${id},path=${path},append=off`, "-device", `virtconsole,chardev=${id}`];
  }
  if (kind === "virtio-rng") return ["-device", "virtio-rng-pci"];
  if (kind === "virtio-balloon") return ["-device", "virtio-balloon-pci"];
  if (kind === "virtio-vsock" || kind === "virtio-fs" || kind === "rosetta") return [];
  throw new Error(`this stand-in has no ${kind}`);
}
