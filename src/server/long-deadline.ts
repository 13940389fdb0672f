import type { HttpRequest } from "../plane/http-messages.ts";

/** A timer that is longer fires at once (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
const maxTimerMs = 2 ** 31 - 1;

/** The units of gRPC (https://grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html), those that may be so long. */
const msOfUnit: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1 };

/** Takes a deadline away that is weeks off, later than any timer: a client that waits so long keeps to it by itself. */
export function dropLongDeadline({ headers }: Pick<HttpRequest, "headers">): void {
  const timeoutMs = String(headers["connect-timeout-ms"]);
  if (/^\d{1,10}$/.test(timeoutMs) && Number(timeoutMs) > maxTimerMs) delete headers["connect-timeout-ms"];
  const [, count, unit = ""] = /^(\d{1,8})([HMSm])$/.exec(String(headers["grpc-timeout"])) ?? [];
  if (Number(count) * (msOfUnit[unit] ?? 0) > maxTimerMs) delete headers["grpc-timeout"];
}
