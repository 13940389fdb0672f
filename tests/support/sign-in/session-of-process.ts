import { join } from "node:path";
import { PlaneSession } from "../../../src/bridge/plane-session.ts";
import { FileTokenStore, type StoredSignIn } from "../../../src/bridge/token-store.ts";
import { silentLog } from "../../../src/lib/log.ts";

const accessTokenMs = 10 * 60_000;

/** Dies at a chosen moment of a refresh. */
class MortalStore extends FileTokenStore {
  readonly #how: string;

  constructor(path: string, how: string) {
    super(path);
    this.#how = how;
  }

  override async save(signIn: StoredSignIn): Promise<void> {
    // The attempt's secret is kept before the request, without it is what the request brought.
    const isBrought = signIn.refreshAttempt === undefined;
    if (isBrought && this.#how === "before-keeping") process.kill(process.pid, "SIGKILL");
    await super.save(signIn);
    if (isBrought && this.#how === "before-using") process.kill(process.pid, "SIGKILL");
  }
}

/** A sign-in as one process has it, with the clock of that process. */
export class SessionOfProcess {
  readonly store: MortalStore;
  readonly session: PlaneSession;
  #laterMs = 0;

  constructor(folder: string, how = "never") {
    this.store = new MortalStore(join(folder, "sign-in.json"), how);
    const lockPath = join(folder, "sign-in.lock");
    this.session = new PlaneSession({ store: this.store, lockPath, log: silentLog, now: () => Date.now() + this.#laterMs });
  }

  accessToken(signal: AbortSignal = new AbortController().signal): Promise<string> {
    return this.session.accessToken(signal);
  }

  /** Lets the access tokens of now end. */
  outlive(): void {
    this.#laterMs += accessTokenMs;
  }
}
