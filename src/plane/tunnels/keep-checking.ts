import type { ErrorCode } from "../../contract/error-catalogue.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { recheckIntervalMs } from "./limits.ts";
import type { Tunnel } from "./tunnel.ts";

/** What ends a tunnel when a check fails with it. Any other failure says nothing of the permission, e.g. that of a database. */
const final: ReadonlySet<ErrorCode> = new Set([
  "not-allowed",
  "environment-not-found",
  "sign-in-required",
  "credential-invalid",
  "runner-replaced",
]);

/** Ends a tunnel, with the reason, when a side of it may not have it any more; while nobody can say, it stays. */
export function keepChecking(
  { check, clock, log }: { readonly check: () => Promise<unknown>; readonly clock: Clock; readonly log: Log },
  tunnel: Tunnel,
): void {
  const again = (): void => {
    if (tunnel.ended.aborted) return;
    const cancel = clock.after(recheckIntervalMs, () => {
      tunnel.ended.removeEventListener("abort", cancel);
      check().then(again, (error: unknown) => {
        const failure = fromConnectError(error);
        if (!final.has(failure.code)) return again();
        log.info("a tunnel was ended: it is not allowed any more", { code: failure.code });
        tunnel.end(failure);
      });
    });
    tunnel.ended.addEventListener("abort", cancel, { once: true });
  };
  again();
}
