import type { HttpRequest } from "../plane/http-messages.ts";

/** A timer that is longer fires at once (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args). */
const maxTimerMs = 2 ** 31 - 1;

/** Of gRPC (https://grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html), those that may be so long. */
const msOfUnit: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1 };

/** Takes a deadline away that is weeks off, later than any timer: a client that waits so long keeps to it by itself. */
export function dropLongDeadline({ headers }: Pick<HttpRequest, "headers">): void {
  if (Number(headers["connect-timeout-ms"]) > maxTimerMs) delete headers["connect-timeout-ms"];
  const [, count, unit = ""] = /^(\d{1,8})([HMSm])$/.exec(String(headers["grpc-timeout"])) ?? [];
  if (Number(count) * (msOfUnit[unit] ?? 0) > maxTimerMs) delete headers["grpc-timeout"];
}
