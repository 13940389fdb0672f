/**
 * The name server that the machine's link forwards to: the one this computer used when the link began. The machine is
 * told of another one only. passt gives every answer of its own server the link's address, also those to questions
 * that the machine sent to that server itself, so that they would never arrive.
 */
export class LinkNameServers {
  readonly #current: () => Promise<readonly string[]>;
  #atStart: string | undefined;
  #noted = false;

  constructor(current: () => Promise<readonly string[]>) {
    this.#current = current;
  }

  /** To be called just before a link begins. Of one that began before this host, what is used now is the best guess. */
  async noteStart({ isRunning }: { readonly isRunning: boolean }): Promise<void> {
    if (isRunning && this.#noted) return;
    [this.#atStart] = await this.#current();
    this.#noted = true;
  }

  /** What the machine is to be told of the name servers of now; nothing where its link's own one will do. */
  toTell(servers: readonly string[]): string[] {
    return servers[0] === this.#atStart ? [] : [...servers];
  }
}
