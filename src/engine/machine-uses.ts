/** Whether somebody uses the machine's environments now, and when last: connections, commands and keystrokes. */
export class MachineUses {
  readonly #now: () => number;
  #open = 0;
  #lastAtMs: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#lastAtMs = now();
  }

  /** Something was done with it just now. */
  note(): void {
    this.#lastAtMs = this.#now();
  }

  /** It is in use until the function that this gives is called. */
  hold(): () => void {
    this.#open++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#open--;
      this.note();
    };
  }

  /** Somebody uses it right now. */
  get isHeld(): boolean {
    return this.#open > 0;
  }

  /** For how long nobody has used it; 0 while somebody does. */
  get unusedMs(): number {
    return this.#open > 0 ? 0 : this.#now() - this.#lastAtMs;
  }
}
