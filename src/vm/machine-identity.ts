import { createHash, randomBytes } from "node:crypto";
import { linkKeyBytes } from "../lib/link.ts";
import type { MachineIdentity } from "./driver.ts";

const machineIdBytes = 16;
/** The first machine of a host has this address, as all had before there were several. */
const firstMacAddress = "5a:94:ef:e4:0c:ee";
const firstMachine = "default";

/** A new identity for the copy of a machine; drawn, but for what a later boot of the same machine must find again. */
export function newIdentity(id: string): MachineIdentity {
  return {
    machineId: randomBytes(machineIdBytes).toString("hex"),
    hostname: hostnameOf(id),
    macAddress: macAddressOf(id),
    linkKey: randomBytes(linkKeyBytes),
  };
}

/** What a machine is called inside. */
function hostnameOf(id: string): string {
  return id === firstMachine ? "berth" : `berth-${id}`;
}

/** A machine's address on its link, locally administered (IEEE 802); the same at every boot. */
export function macAddressOf(id: string): string {
  if (id === firstMachine) return firstMacAddress;
  const [a = 0, b = 0, c = 0] = createHash("sha256").update(id).digest();
  return `5a:94:ef:${[a, b, c].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;
}
