import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useCallback, useEffect } from "react";
import { MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useNow, useStrings } from "../../app/context.ts";
import { Dot } from "../../ui/badge.tsx";
import { Facts } from "../../ui/row.tsx";
import { Section } from "../../ui/section.tsx";
import { machineLooks } from "../../app/machine-looks.ts";

const clockIntervalMs = 1000;
const figuresIntervalMs = 5000;
const shownImageLetters = 12;

/** What the machine is and how long it has been running. */
export function StateSection() {
  const { machine: words, shell } = useStrings();
  const formats = useFormats();
  const machine = useAppState((s) => s.machine);
  const memoryBytes = useMemoryTaken();
  if (machine === undefined) return null;
  const look = machineLooks[machine.state];
  const accelerators: Readonly<Record<string, string>> = words.accelerators;
  const size = words.facts.sizeOf(machine.cpus, formats.bytes(Number(machine.memoryBytes)));
  return (
    <Section title={words.facts.heading}>
      <Facts
        rows={[
          {
            name: words.facts.state,
            value: (
              <span className="flex items-center gap-2">
                <Dot tone={look.tone} busy={look.tone === "accent"} />
                {shell.machineStates[look.name]}
              </span>
            ),
          },
          ...(machine.startedAt === undefined
            ? []
            : [{ name: words.facts.uptime, value: <Uptime startedAtMs={timestampMs(machine.startedAt)} /> }]),
          { name: words.facts.accelerator, value: accelerators[machine.accelerator] ?? machine.accelerator },
          { name: words.facts.size, value: size },
          ...(memoryBytes === 0 ? [] : [{ name: words.facts.memory, value: formats.bytes(memoryBytes) }]),
          {
            name: words.facts.image,
            value:
              machine.imageSha256 === "" ? (
                <span className="text-muted">{words.facts.imageUnknown}</span>
              ) : (
                <code className="font-mono text-sm" title={machine.imageSha256}>
                  {machine.imageSha256.slice(0, shownImageLetters)}
                </code>
              ),
          },
          { name: words.facts.driver, value: machine.driver },
          {
            name: words.facts.environments,
            value: machine.environmentNames.length === 0 ? words.facts.none : formats.number(machine.environmentNames.length),
          },
        ]}
      />
    </Section>
  );
}

function Uptime({ startedAtMs }: { readonly startedAtMs: number }) {
  const formats = useFormats();
  const nowMs = useNow(clockIntervalMs);
  return <span className="tabular-nums">{formats.clock(nowMs - startedAtMs)}</span>;
}

/** What the hypervisor takes of this computer's memory; the watch leaves out figures that change all the time. */
function useMemoryTaken(): number {
  const { clients } = useApp();
  const runs = useAppState((s) => s.machine?.state === MachineState.READY && s.connection === "online");
  const ask = useCallback(
    async (signal: AbortSignal) => (runs ? Number((await clients.host.getMachine({}, { signal })).machine?.hostMemoryBytes ?? 0n) : 0),
    [clients, runs],
  );
  const { value, reload } = useCall(ask);
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), figuresIntervalMs);
    return () => clearInterval(timer);
  }, [runs, reload]);
  return runs ? (value ?? 0) : 0;
}
