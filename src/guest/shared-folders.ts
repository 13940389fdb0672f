import { readFileSync } from "node:fs";
import { lstat, mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { MountedFolder } from "../contract/gen/berth/v1/agent_pb.js";
import { messageOf } from "../lib/log.ts";
import { isMountedReadOnly, type MountedPlace, mountsBelow } from "./mounts.ts";
import { runProcess } from "./run-process.ts";

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const tagPattern = /^[a-z0-9]{1,32}$/;
const environmentIdPattern = /^[0-9a-f-]{36}$/;
const folderMode = 0o755;
const mountTimeoutMs = 10_000;

/** Runs a program and fails with what it said when it did not do its work. */
export type RunMount = (argv: readonly string[]) => Promise<void>;

/**
 * Folders of the person's computer, mounted where dev containers have them as /mnt/host: a folder for each environment
 * that only the agent can put something in, so that no container leads a mount astray.
 */
export class SharedFolders {
  readonly #folder: string;
  readonly #mounts: () => string;
  readonly #run: RunMount;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly runFolder: string; readonly mounts?: () => string; readonly run?: RunMount }) {
    this.#folder = join(options.runFolder, "host");
    this.#mounts = options.mounts ?? ((): string => readFileSync("/proc/mounts", "utf8"));
    this.#run = options.run ?? runMount;
  }

  /** What an environment's container has as /mnt/host. */
  folderOf(environmentId: string): string {
    if (!environmentIdPattern.test(environmentId)) throw new Error("an environment's id is a UUID");
    return join(this.#folder, environmentId);
  }

  /** Makes an environment's folder as far as a container needs it that dockerd starts by itself. */
  async prepare(environmentId: string): Promise<void> {
    await mkdir(this.folderOf(environmentId), { recursive: true, mode: folderMode });
  }

  /** Makes an environment's folder, which its container must find also when nothing is shared. */
  async make(environmentId: string): Promise<void> {
    await this.#inOrder(async () => this.#make(this.folderOf(environmentId)));
  }

  /** Takes away an environment's folder; what was shared in it stays as it is. */
  async remove(environmentId: string): Promise<void> {
    await this.#inOrder(async () => {
      const folder = this.folderOf(environmentId);
      for (const { path } of this.#mountsBelow(folder).toReversed()) await this.#run(["umount", "-l", "--", path]);
      await removeTree(folder);
    });
  }

  /** Mounts all of these, and unmounts all others. Gives why one is not mounted, by its tag. */
  async set(wanted: readonly MountedFolder[]): Promise<Record<string, string>> {
    return this.#inOrder(async () => {
      for (const mount of this.#mountsBelow(this.#folder))
        if (mount.type === "virtiofs" && !wanted.some((folder) => this.#isSame(folder, mount))) await this.#unmount(mount.path);
      const failures: Record<string, string> = {};
      for (const folder of wanted)
        await this.#mount(folder).catch((error: unknown) => {
          failures[folder.tag] = messageOf(error);
        });
      return failures;
    });
  }

  /** By its tag: whatever is done to the mount in here, what may be written is decided on the person's computer. */
  #isSame({ tag, environmentId, name }: MountedFolder, mount: MountedPlace): boolean {
    return mount.device === tag && mount.path === join(this.#folder, environmentId, name);
  }

  async #mount(folder: MountedFolder): Promise<void> {
    const { tag, environmentId, name, readOnly } = folder;
    if (!tagPattern.test(tag) || !namePattern.test(name)) throw new Error("its name is not allowed");
    const parent = this.folderOf(environmentId);
    const path = join(parent, name);
    if (this.#mountsBelow(parent).some((mount) => this.#isSame(folder, mount))) return;
    await this.#make(parent);
    await this.#open(parent, async () => mkdir(path, { recursive: true }));
    // A container could have put a link there while the folder was open.
    if (!(await lstat(path)).isDirectory()) throw new Error("something else is in its place");
    try {
      await this.#run(["mount", "-t", "virtiofs", "-o", `nosuid,nodev,${readOnly ? "ro" : "rw"}`, "--", tag, path]);
    } catch (error) {
      // Whoever writes there would write to the machine.
      await this.#open(parent, async () => rmdir(path));
      throw error;
    }
  }

  /** Without its place the kernel takes it from the containers too. */
  async #unmount(path: string): Promise<void> {
    await this.#run(["umount", "-l", "--", path]);
    await this.#open(join(path, ".."), async () => rmdir(path));
  }

  /** A file system of its own that is read-only, which no container that has it can change; docker would make a mere mount writable. */
  async #make(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: folderMode });
    if (isMountedReadOnly(this.#mounts(), folder)) return;
    await this.#run(["mount", "-t", "tmpfs", "-o", "ro,mode=755,size=64k,nosuid,nodev", "--", "tmpfs", folder]);
  }

  async #open(folder: string, work: () => Promise<unknown>): Promise<void> {
    await this.#run(["mount", "-o", "remount,rw", "--", folder]);
    try {
      await work();
    } finally {
      await this.#run(["mount", "-o", "remount,ro", "--", folder]);
    }
  }

  #mountsBelow(folder: string): MountedPlace[] {
    return mountsBelow(this.#mounts(), folder);
  }

  async #inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

/** Only folders that are empty: what is still mounted somewhere in it is not ours to delete. */
async function removeTree(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) await rmdir(join(folder, name)).catch(() => undefined);
  await rmdir(folder).catch(() => undefined);
}

async function runMount(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess(argv, { signal: AbortSignal.timeout(mountTimeoutMs) });
  if (code !== 0) throw new Error(stderr.toString().trim() || `${argv[0] ?? ""} ended with ${code}`);
}
