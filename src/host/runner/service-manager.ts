import { execFile } from "node:child_process";
import { type Log, messageOf } from "../../lib/log.ts";

const notifyTimeoutMs = 10_000;

/** Tells systemd how the service is; does nothing where systemd did not start it. */
export interface ServiceManager {
  notify(...assignments: readonly string[]): Promise<void>;
  /** How often it wants to hear WATCHDOG=1, in milliseconds; undefined where it does not. */
  readonly watchdogMs: number | undefined;
}

/**
 * The protocol of sd_notify(3) through systemd's own program: Node has no datagram sockets of the unix family. The unit
 * has NotifyAccess=all for it.
 */
export function serviceManager(env: NodeJS.ProcessEnv, log: Log): ServiceManager {
  const watchdogUs = Number(env["WATCHDOG_USEC"]);
  const hasManager = env["NOTIFY_SOCKET"] !== undefined && env["NOTIFY_SOCKET"] !== "";
  return {
    watchdogMs: hasManager && watchdogUs > 0 ? watchdogUs / 1000 : undefined,
    notify: async (...assignments) => {
      if (!hasManager) return;
      await new Promise<void>((resolve) =>
        execFile("systemd-notify", [...assignments], { env, timeout: notifyTimeoutMs }, (error) => {
          if (error !== null) log.warn("systemd was not told", { reason: messageOf(error) });
          resolve();
        }),
      );
    },
  };
}
