import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { waitUntil } from "../src/lib/wait-until.ts";
import { run } from "../tools/image/shell.ts";
import { stockGuestDiskBytes, stockGuestFiles, stockGuestHooks, stockGuestPackages, stockGuestUser } from "./stock-guest-recipe.ts";

const bootTimeoutMs = 10 * 60_000;
const bannerTimeoutMs = 2000;
const pollMs = 50;

export interface Hardware {
  readonly qemu: string;
  readonly accelerator: "kvm" | "hvf" | "tcg";
  readonly arch: "amd64" | "arm64";
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** A stock Debian 13 cloud guest: systemd, cloud-init, sshd, docker.io, Debian's kernel and initramfs. */
export class StockGuest {
  readonly #folder: string;
  readonly #keyPath: string;
  readonly #hardware: Hardware;
  #qemu: ChildProcess | undefined;
  #port = 0;

  private constructor(folder: string, keyPath: string, hardware: Hardware) {
    this.#folder = folder;
    this.#keyPath = keyPath;
    this.#hardware = hardware;
  }

  /** Builds the guest unless the cache holds one of this recipe; one that was never booted is booted once. */
  static async prepare(cacheFolder: string, hardware: Hardware, say: (text: string) => void): Promise<StockGuest> {
    await mkdir(cacheFolder, { recursive: true, mode: 0o700 });
    const keyPath = join(cacheFolder, "stock-guest-key");
    if (!existsSync(`${keyPath}.pub`)) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "stock-guest", "-f", keyPath]);
    const publicKey = await readFile(`${keyPath}.pub`, "utf8");
    const recipe = createHash("sha256").update(
      JSON.stringify([hardware.arch, stockGuestDiskBytes, stockGuestPackages(hardware.arch), stockGuestHooks, stockGuestFiles(publicKey)]),
    );
    const folder = join(cacheFolder, `stock-guest-${recipe.digest("hex").slice(0, 16)}`);
    const guest = new StockGuest(folder, keyPath, hardware);
    if (existsSync(join(folder, "disk.raw"))) return guest;
    say("building the stock guest from Debian packages");
    const built = `${folder}.new`;
    await run(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "make-stock-guest.ts"),
      "--out",
      built,
      "--key",
      publicKey,
      "--arch",
      hardware.arch,
    ]);
    say("booting the stock guest for the first time, which makes its host keys and runs cloud-init");
    const first = new StockGuest(built, keyPath, hardware);
    await first.bootUntilDocker();
    await first.shutDown();
    await run("mv", [built, folder]);
    return guest;
  }

  /** Starts QEMU and waits, as Lima-type tools do, until the Docker API answers on a socket forwarded by ssh. Gives seconds. */
  async bootUntilDocker(): Promise<number> {
    const startedAtMs = performance.now();
    const signal = AbortSignal.timeout(bootTimeoutMs);
    await this.#start();
    if (!(await waitUntil(async () => sshGreets(this.#port), { intervalMs: pollMs, signal })))
      throw new Error("the stock guest's sshd did not answer");
    const socket = join(this.#folder, "docker.sock");
    await rm(socket, { force: true });
    const forward = spawn(
      "ssh",
      [...this.#sshOptions(), "-N", "-o", "ExitOnForwardFailure=yes", "-L", `${socket}:/run/docker.sock`, `${stockGuestUser}@127.0.0.1`],
      { stdio: "ignore" },
    );
    const ready = await waitUntil(async () => forward.exitCode !== null || (await dockerAnswers(socket)), { intervalMs: pollMs, signal });
    const seconds = (performance.now() - startedAtMs) / 1000;
    const failed = forward.exitCode !== null;
    forward.kill();
    if (!ready || failed) throw new Error(`the stock guest's docker did not answer${failed ? `; ssh ended with ${forward.exitCode}` : ""}`);
    return seconds;
  }

  /** The process that is the running guest. */
  get pid(): number {
    return this.#qemu?.pid ?? 0;
  }

  /** Ends the guest as its own shutdown does, so that the next boot finds a clean disk. */
  async shutDown(): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined) return;
    await run("ssh", [...this.#sshOptions(), `${stockGuestUser}@127.0.0.1`, "sudo systemctl poweroff --no-wall"]).catch(() => undefined);
    const off = await waitUntil(() => qemu.exitCode !== null || qemu.signalCode !== null, {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(bootTimeoutMs),
    });
    if (!off) this.kill();
    this.#qemu = undefined;
  }

  kill(): void {
    this.#qemu?.kill("SIGKILL");
    this.#qemu = undefined;
  }

  #sshOptions(): string[] {
    return [
      "-F",
      "none",
      "-i",
      this.#keyPath,
      "-p",
      String(this.#port),
      "-o",
      "IdentitiesOnly=yes",
      "-o",
      "StrictHostKeyChecking=no",
      "-o",
      "UserKnownHostsFile=/dev/null",
      "-o",
      "LogLevel=ERROR",
      "-o",
      "BatchMode=yes",
    ];
  }

  async #start(): Promise<void> {
    const { qemu, accelerator, arch, cpus, memoryBytes } = this.#hardware;
    this.#port = await freePort();
    const arm = arch === "arm64";
    const console = arm ? "ttyAMA0" : "ttyS0";
    this.#qemu = spawn(
      qemu,
      [
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-machine",
        arm ? "virt,gic-version=max" : "q35",
        "-accel",
        accelerator === "tcg" ? "tcg,thread=multi,tb-size=512" : accelerator,
        "-cpu",
        accelerator === "tcg" ? (arm ? "max,pauth-impdef=on" : "max") : "host",
        "-smp",
        String(cpus),
        "-m",
        `${Math.floor(memoryBytes / 1024 ** 2)}M`,
        "-kernel",
        join(this.#folder, "kernel"),
        "-initrd",
        join(this.#folder, "initrd"),
        "-append",
        `root=LABEL=stock-root ro console=tty0 console=${console}`,
        "-drive",
        `if=virtio,format=raw,discard=unmap,file=${join(this.#folder, "disk.raw")}`,
        "-netdev",
        `user,id=net,hostfwd=tcp:127.0.0.1:${this.#port}-:22`,
        "-device",
        "virtio-net-pci,netdev=net",
        "-device",
        "virtio-rng-pci",
        "-serial",
        `file:${join(this.#folder, "console.log")}`,
      ],
      { stdio: "ignore" },
    );
    this.#qemu.once("error", () => (this.#qemu = undefined));
    await new Promise<void>((resolve, reject) => this.#qemu?.once("spawn", resolve).once("error", reject));
  }
}

/** slirp takes a connection before the guest listens; only sshd's own first words tell that it is there. */
async function sshGreets(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(bannerTimeoutMs, () => resolve(false));
      socket
        .once("data", (data) => resolve(data.toString().startsWith("SSH-")))
        .once("error", () => resolve(false))
        .once("close", () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

async function dockerAnswers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false;
  return new Promise<boolean>((resolve) => {
    const sent = request({ socketPath, path: "/version" }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.once("error", () => resolve(false)).end();
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
