import { entry, type ErrorEntry } from "./error-entry.ts";

/** What can go wrong on the way into an environment that is on somebody else's computer. */
export const gatewayErrors = {
  "gateway-missing": entry(
    "failed_precondition",
    "There is no way into this environment",
    "The management plane has no gateway, and nothing else leads to environments of its runners.",
    "Ask who runs the plane to start a server with --gateway-name and --gateway-url.",
  ),
  "gateway-unreachable": entry(
    "unavailable",
    "The gateway could not be reached",
    "None of the plane's gateways answered, or the way to it does not carry HTTP/2.",
    "Check your network; a proxy in between has to carry HTTP/2. Then try again.",
  ),
  "tunnel-limit": entry(
    "resource_exhausted",
    "One connection more was refused",
    "As many connections into environments are open as one person, runner or gateway may have.",
    "Close some that you no longer need, then try again.",
  ),
  "ssh-key-not-accepted": entry(
    "deadline_exceeded",
    "The environment does not take this computer's key yet",
    "Its runner has not put the key in place in time; it may be busy, or of an older version.",
    "Try again in a minute. If it stays so, restart the environment or update its runner.",
  ),
  "host-key-changed": entry(
    "failed_precondition",
    "The environment was not connected to",
    "It shows another host key than the one this computer saw first. Somebody may be in between, or its runner made it anew.",
    "Ask who keeps the runner. If its key was made anew, remove its line from the file that the message names, and connect again.",
  ),
} as const satisfies Record<string, ErrorEntry>;
