import { BerthError } from "../contract/berth-error.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { PostgresFanOut } from "../plane/runner-store/postgres-fan-out.ts";
import { type FanOut, InMemoryFanOut } from "../plane/runners/fan-out.ts";
import type { Store } from "../plane/store/store.ts";
import { isPostgres } from "./open-store.ts";

/** What carries messages between the server's processes: PostgreSQL does; on SQLite there is one process alone. */
export async function openFanOut(options: {
  readonly databaseUrl: string;
  readonly store: Store;
  readonly processId: string;
  readonly now: () => number;
  readonly log: Log;
}): Promise<FanOut & { stop(): Promise<void> }> {
  const { databaseUrl: url, ...others } = options;
  if (!isPostgres(url)) return Object.assign(new InMemoryFanOut(options.log), { stop: async () => undefined });
  const fanOut = new PostgresFanOut({ url, ...others });
  try {
    await fanOut.start();
  } catch (error) {
    await options.store.close();
    throw new BerthError("store-unavailable", messageOf(error), { cause: error });
  }
  return fanOut;
}
