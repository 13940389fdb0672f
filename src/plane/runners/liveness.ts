import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { RunnerPhase, type RunnerStatus, RunnerStatusSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type { Clock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { inactiveAfterMs, maxSwept, sweepIntervalMs } from "./limits.ts";
import type { RunnerRecord, RunnerRecords } from "./ports.ts";

/** Whether runners are there: they say so every 30 seconds, and who has not for a while is inactive. */
export class RunnerLiveness {
  readonly #records: RunnerRecords;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: { readonly records: RunnerRecords; readonly clock: Clock; readonly log: Log }) {
    this.#records = options.records;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async markActive(runnerId: string): Promise<void> {
    const lastActiveMs = this.#clock.nowMs();
    await this.#records.update(runnerId, (record) => ({ ...withStatus(record, {}, { lastActiveMs }), lastActiveMs }));
  }

  /** Changes what a runner says of itself; an empty message says that it is no longer degraded. */
  async updateStatus(runnerId: string, change: Partial<RunnerStatus>): Promise<void> {
    const lastActiveMs = this.#clock.nowMs();
    const updatedAt = timestampFromMs(lastActiveMs);
    await this.#records.update(runnerId, (record) => ({ ...withStatus(record, { ...change, updatedAt }, { lastActiveMs }), lastActiveMs }));
  }

  /** Makes inactive who went missing. Every server process may do it: what one has done leaves nothing to the others. */
  async sweep(): Promise<void> {
    const beforeMs = this.#clock.nowMs() - inactiveAfterMs;
    for (const runnerId of await this.#records.missingSince(beforeMs, maxSwept))
      await this.#records.update(runnerId, (record) =>
        record.lastActiveMs >= beforeMs ? undefined : withStatus(record, {}, { lastActiveMs: 0 }),
      );
  }

  /** Sweeps again and again until the signal aborts. */
  start(signal: AbortSignal): void {
    const again = (): void => {
      const cancel = this.#clock.after(sweepIntervalMs, () => {
        signal.removeEventListener("abort", cancel);
        void this.sweep()
          .catch((error: unknown) => this.#log.warn("runners were not looked at", { reason: messageOf(error) }))
          .finally(() => signal.aborted || again());
      });
      signal.addEventListener("abort", cancel, { once: true });
    };
    again();
  }
}

function withStatus(
  record: RunnerRecord,
  change: Partial<RunnerStatus>,
  { lastActiveMs }: Pick<RunnerRecord, "lastActiveMs">,
): RunnerRecord {
  const before = record.runner.status ?? create(RunnerStatusSchema);
  const status = { ...before, ...change };
  const isDeleting = before.phase === RunnerPhase.DELETING || before.phase === RunnerPhase.DELETED;
  return { ...record, runner: { ...record.runner, status: isDeleting ? status : { ...status, phase: phaseOf(status, lastActiveMs) } } };
}

function phaseOf({ message }: RunnerStatus, lastActiveMs: number): RunnerPhase {
  if (lastActiveMs === 0) return RunnerPhase.INACTIVE;
  return message === "" ? RunnerPhase.ACTIVE : RunnerPhase.DEGRADED;
}
