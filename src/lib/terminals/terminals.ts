import { Code, ConnectError } from "@connectrpc/connect";
import { randomBytes } from "node:crypto";
import type { PtyRequest, StartPty } from "./pty.ts";
import { Terminal } from "./terminal.ts";

/** Those that ended but were not closed count too, until room is needed. */
const maxTerminalsOfEnvironment = 16;
const maxTerminals = 64;
const idBytes = 8;

/** All terminals of a machine. They are kept in memory: what runs in them does not outlive the machine either. */
export class Terminals {
  readonly #start: StartPty;
  readonly #now: () => number;
  readonly #terminals = new Map<string, Terminal>();

  constructor(options: { readonly start: StartPty; readonly now: () => number }) {
    this.#start = options.start;
    this.#now = options.now;
  }

  /** Fails with ResourceExhausted when there are too many, and with what starting the program fails with. */
  async create(request: PtyRequest, name: string): Promise<Terminal> {
    this.#makeRoom(this.list(request.environmentId), maxTerminalsOfEnvironment);
    this.#makeRoom([...this.#terminals.values()], maxTerminals);
    const id = randomBytes(idBytes).toString("hex");
    const terminal = new Terminal({ id, request, name, now: this.#now });
    this.#terminals.set(id, terminal);
    try {
      const events = { onOutput: (data: Uint8Array) => terminal.receive(data), onExit: (code: number) => terminal.exit(code) };
      terminal.run(await this.#start(request, events));
    } catch (error) {
      this.#terminals.delete(id);
      throw error;
    }
    return terminal;
  }

  /** Oldest first. */
  list(environmentId: string): Terminal[] {
    return [...this.#terminals.values()].filter((t) => t.environmentId === environmentId);
  }

  get(environmentId: string, id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined || terminal.environmentId !== environmentId)
      throw new ConnectError("there is no such terminal", Code.NotFound);
    return terminal;
  }

  close(environmentId: string, id: string): void {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined || terminal.environmentId !== environmentId) return;
    this.#terminals.delete(id);
    terminal.close();
  }

  #makeRoom(among: readonly Terminal[], limit: number): void {
    if (among.length < limit) return;
    const ended = among.find((t) => t.ended);
    if (ended === undefined) throw new ConnectError(`there are ${limit} terminals already`, Code.ResourceExhausted);
    const { environmentId, terminalId } = ended.view();
    this.close(environmentId, terminalId);
  }
}
