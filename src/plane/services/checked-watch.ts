import { BerthError } from "../../contract/berth-error.ts";
import { errorCatalogue } from "../../contract/error-catalogue.ts";
import type { Clock } from "../../lib/clock.ts";
import type { RequestScope } from "../request-scope.ts";

/** For so long a watch goes on at most of somebody who may not any more. */
export const watcherCheckIntervalMs = 30_000;

/** Finds out anew who a call is by, and whether it may be. Fails as the call would if it were made now. */
export type CheckAgain = () => Promise<RequestScope>;

/** Who watches, looked at from time to time until the watch ends. */
export class CheckedWatcher {
  readonly #again: CheckAgain;
  readonly #after: Clock["after"];
  readonly #ended = new AbortController();
  #scope: RequestScope;

  constructor(options: { readonly scope: RequestScope; readonly again: CheckAgain; readonly after: Clock["after"] }) {
    this.#scope = options.scope;
    this.#again = options.again;
    this.#after = options.after;
  }

  /** As they were known when it was last looked. */
  get scope(): RequestScope {
    return this.#scope;
  }

  /** Aborts when they may not watch any more. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Passes on what is watched; fails with the reason once they may not any more. */
  async *guard<T>(watched: AsyncIterable<T>): AsyncGenerator<T> {
    let isOver = false;
    const look = async (): Promise<void> => {
      try {
        this.#scope = await this.#again();
      } catch (error) {
        if (isRefusal(error)) return this.#ended.abort(error);
      }
      if (!isOver) cancel = this.#after(watcherCheckIntervalMs, () => void look());
    };
    let cancel = this.#after(watcherCheckIntervalMs, () => void look());
    try {
      yield* watched;
    } finally {
      isOver = true;
      cancel();
    }
    this.#ended.signal.throwIfAborted();
  }
}

/** That a database does not answer, for one, says nothing of who watches. */
function isRefusal(error: unknown): error is BerthError {
  return (
    error instanceof BerthError && ["unauthenticated", "permission_denied", "not_found"].includes(errorCatalogue[error.code].connectCode)
  );
}
