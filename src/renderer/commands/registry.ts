import { createStore, type StoreApi } from "zustand/vanilla";
import { type KeyPress, writtenKey } from "./shortcut.ts";

/** How long the second key of a sequence such as `g e` may take. */
const sequenceTimeoutMs = 1000;

/** Something the person can do now, by palette, by key, or by whatever else shows it. */
export interface Command {
  /** Unique; of two with one id the one registered last counts. */
  readonly id: string;
  readonly title: string;
  /** The heading it stands under in the palette and in the keyboard help. */
  readonly section: string;
  readonly shortcut?: string;
  /** Other words it is found by. */
  readonly keywords?: string;
  /** Why it cannot be done now. It is shown with this reason and does nothing. */
  readonly disabledReason?: string | undefined;
  /** Kept out of the palette, e.g. moving a selection. */
  readonly keyOnly?: boolean;
  run(): void;
}

/** What can be done now. Screens register their commands while they are shown. */
export class CommandRegistry {
  readonly #layers: (readonly Command[])[] = [];
  readonly commands: StoreApi<readonly Command[]> = createStore<readonly Command[]>(() => []);
  #pending: { readonly written: string; readonly atMs: number } | undefined;
  readonly #isMac: boolean;

  constructor(isMac: boolean) {
    this.#isMac = isMac;
  }

  /** Adds commands until the returned function is called. */
  register(commands: readonly Command[]): () => void {
    this.#layers.push(commands);
    this.#publish();
    return () => {
      const at = this.#layers.indexOf(commands);
      if (at >= 0) this.#layers.splice(at, 1);
      this.#publish();
    };
  }

  /** Runs what a key press means; says whether it meant anything. `typing`: only presses with a modifier count. */
  press(press: KeyPress, context: { readonly typing: boolean; readonly nowMs: number }): boolean {
    const written = writtenKey(press, this.#isMac);
    if (context.typing && !/^(mod|meta|alt)\+/.test(written)) return false;
    const before = this.#pending;
    this.#pending = undefined;
    const sequence = before !== undefined && context.nowMs - before.atMs <= sequenceTimeoutMs ? `${before.written} ${written}` : undefined;
    const all = this.commands.getState();
    const found =
      (sequence === undefined ? undefined : all.find((c) => c.shortcut === sequence)) ?? all.find((c) => c.shortcut === written);
    if (found !== undefined) {
      if (found.disabledReason === undefined) found.run();
      return true;
    }
    if (!all.some((c) => c.shortcut?.startsWith(`${written} `))) return false;
    this.#pending = { written, atMs: context.nowMs };
    return true;
  }

  #publish(): void {
    const byId = new Map<string, Command>();
    // What was registered last, the screen's own, comes first and wins.
    for (const command of this.#layers.toReversed().flat()) if (!byId.has(command.id)) byId.set(command.id, command);
    this.commands.setState([...byId.values()], true);
  }
}
