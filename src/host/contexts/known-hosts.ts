import { readFile } from "node:fs/promises";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";

/** The kind and the value; what people may write behind them counts for nothing. */
const keyPattern = /^(ssh-ed25519 [A-Za-z0-9+/]+={0,2})(?: |$)/;

/** The host keys of a context's environments, each as it was seen first. */
export class KnownHosts {
  readonly #path: string;
  #turn: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Keeps the key of an environment that was not seen before. Fails with `host-key-changed` for another than was kept, and
   * with `ssh-failed` for what is no key.
   */
  async keep(environmentId: string, publicKey: string): Promise<void> {
    const done = this.#turn.then(async () => this.#keep(environmentId, publicKey));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #keep(environmentId: string, publicKey: string): Promise<void> {
    const [, key] = keyPattern.exec(publicKey) ?? [];
    if (key === undefined) throw new BerthError("ssh-failed", "its runner does not tell the environment's host key");
    const text = await this.#read();
    const known = text.split("\n").find((line) => line.startsWith(`${environmentId} `));
    if (known === `${environmentId} ${key}`) return;
    if (known !== undefined) throw new BerthError("host-key-changed", `${environmentId} in ${this.#path}`);
    await writeFileAtomically(this.#path, `${text}${environmentId} ${key}\n`);
  }

  async #read(): Promise<string> {
    try {
      return await readFile(this.#path, "utf8");
    } catch (error) {
      if (isErrno(error, "ENOENT")) return "";
      throw error;
    }
  }
}
