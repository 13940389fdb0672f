import { isLoopbackHost } from "./loopback-host.ts";

/** Whether nobody in between hears what is sent to an address: by https, or on this computer. */
export function isSafeUrl({ protocol, hostname }: Pick<URL, "protocol" | "hostname">): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopbackHost(hostname));
}
