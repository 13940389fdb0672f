import { MachineState } from "../../contract/gen/berth/v1/host_pb.js";
import type { Strings } from "../i18n/strings.ts";
import type { Tone } from "../ui/badge.tsx";

/** How each state of a machine is called and looks. */
export const machineLooks: Readonly<Record<MachineState, { readonly name: keyof Strings["shell"]["machineStates"]; readonly tone: Tone }>> =
  {
    [MachineState.UNSPECIFIED]: { name: "unknown", tone: "neutral" },
    [MachineState.ABSENT]: { name: "absent", tone: "neutral" },
    [MachineState.OFF]: { name: "off", tone: "neutral" },
    [MachineState.BOOTING]: { name: "booting", tone: "accent" },
    [MachineState.READY]: { name: "ready", tone: "ok" },
    [MachineState.STOPPING]: { name: "stopping", tone: "accent" },
    [MachineState.PAUSED]: { name: "paused", tone: "warn" },
    [MachineState.SUSPENDED]: { name: "suspended", tone: "neutral" },
    [MachineState.FAILED]: { name: "failed", tone: "danger" },
  };
