/** From then on it is worth a place in the memory of each connection. */
const usesBeforeNamed = 20;
/** Of each connection; those that come later are parsed and planned each time. */
const maxNamed = 100;
/** Texts that are counted; lists with many filters have many texts. */
const maxCounted = 1000;

/**
 * Names for statements that are used often: PostgreSQL parses and plans a statement with a name once for each connection
 * (https://www.postgresql.org/docs/15/protocol-flow.html, extended query).
 */
export class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #uses = new Map<string, number>();

  /** The name of a text that is about to be used; undefined while it is a rare one. */
  of(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= maxNamed) return name;
    const uses = (this.#uses.get(text) ?? 0) + 1;
    if (uses < usesBeforeNamed) {
      if (this.#uses.size >= maxCounted) this.#uses.clear();
      this.#uses.set(text, uses);
      return undefined;
    }
    this.#uses.delete(text);
    const given = `berth_${this.#names.size}`;
    this.#names.set(text, given);
    return given;
  }
}
