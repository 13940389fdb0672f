import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parsePlaneUrl } from "../../bridge/plane-client.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { removeFolder } from "../../lib/remove-folder.ts";
import { type ContextRecord, ContextStore } from "./context-store.ts";
import { RemoteContext, type RemoteContextOptions } from "./remote-context.ts";

const maxContexts = 50;
const maxNameLength = 63;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export interface ContextsOptions extends Omit<RemoteContextOptions, "record" | "folder"> {
  /** Where all that is kept of them is. */
  readonly folder: string;
}

/** The remote planes that this computer knows. */
export class Contexts {
  readonly #options: ContextsOptions;
  readonly #store: ContextStore;
  readonly #contexts = new Map<string, RemoteContext>();
  /** Changes of the list come one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(options: ContextsOptions, store: ContextStore) {
    this.#options = options;
    this.#store = store;
  }

  static async open(options: ContextsOptions): Promise<Contexts> {
    const contexts = new Contexts(options, await ContextStore.open(options.folder, options.log));
    for (const record of contexts.#store.records) await contexts.#make(record);
    return contexts;
  }

  /** By name. */
  get all(): readonly RemoteContext[] {
    return [...this.#contexts.values()].toSorted((a, b) => a.record.name.localeCompare(b.record.name));
  }

  /** Fails with `context-not-found`. */
  get(id: string): RemoteContext {
    const context = this.#contexts.get(id);
    if (context === undefined) throw new BerthError("context-not-found", `'${id.slice(0, 100)}'`);
    return context;
  }

  /**
   * Adds a plane, which need not be reachable. `name` may be empty. Fails with `argument-invalid`, `context-name-taken` or
   * `context-limit`.
   */
  async add(planeUrl: string, name: string): Promise<RemoteContext> {
    const url = parsePlaneUrl(planeUrl);
    if (name !== "" && !namePattern.test(name))
      throw new BerthError("argument-invalid", `a context's name has 1 to ${maxNameLength} letters, digits or . _ -`);
    return this.#change(async () => {
      if (this.#contexts.size >= maxContexts) throw new BerthError("context-limit", `${maxContexts}`);
      if (name !== "" && this.#isTaken(name)) throw new BerthError("context-name-taken", `'${name}'`);
      const record = {
        id: randomUUID(),
        name: name === "" ? this.#freeName(url) : name,
        planeUrl: url.href,
        addedAtMs: this.#options.now(),
      };
      const context = await this.#make(record);
      try {
        await this.#store.set([...this.#store.records, record]);
      } catch (error) {
        this.#contexts.delete(record.id);
        throw error;
      }
      return context;
    });
  }

  /** Signs out and forgets all that was known of it. Fails with `context-not-found`, and as signing out does. */
  async remove(id: string, options: { readonly discardChanges: boolean }): Promise<{ readonly revoked: boolean }> {
    const context = this.get(id);
    const outcome = await context.signOut(options);
    return this.#change(async () => {
      await this.#store.set(this.#store.records.filter((record) => record.id !== id));
      this.#contexts.delete(id);
      context.close();
      removeFolder(this.#folderOf(id));
      this.#options.onListed();
      return outcome;
    });
  }

  close(): void {
    for (const context of this.#contexts.values()) context.close();
  }

  async #make(record: ContextRecord): Promise<RemoteContext> {
    const folder = this.#folderOf(record.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const context = new RemoteContext({ ...this.#options, record, folder });
    await context.open();
    this.#contexts.set(record.id, context);
    return context;
  }

  #folderOf(id: string): string {
    return join(this.#options.folder, id);
  }

  #isTaken(name: string): boolean {
    return [...this.#contexts.values()].some(({ record }) => record.name.toLowerCase() === name.toLowerCase());
  }

  /** The plane's host, with a number when it has a context already, e.g. for another organization. */
  #freeName({ host }: URL): string {
    const base =
      host
        .replaceAll(/[^A-Za-z0-9.-]+/g, "-")
        .replace(/^[^A-Za-z0-9]+/, "")
        .slice(0, maxNameLength - 3) || "plane";
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}-${n}`;
      if (!this.#isTaken(name)) return name;
    }
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => undefined);
    return done;
  }
}
