import { Moon, Play, Power } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { type Machine, MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useStrings } from "../../app/context.ts";
import { Dot } from "../../ui/badge.tsx";
import { IconButton } from "../../ui/button.tsx";
import { Link } from "../../ui/link.tsx";
import { Section } from "../../ui/section.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { type MachineActs, useMachineActs, useRunningNames } from "./machine-actions.ts";
import { machineLooks } from "../../app/machine-looks.ts";
import { OwnSize } from "./own-size.tsx";

const figuresIntervalMs = 5000;

/** The machines that environments have to themselves, and how big new ones are. */
export function OwnMachines() {
  const { machine: words } = useStrings();
  const machines = useAppState((s) => [...s.ownMachines.values()]);
  const figures = useFigures(machines.map(({ id, state }) => `${id}/${state}`).join(" "));
  return (
    <Section title={words.own.heading} description={words.own.description}>
      {machines.length === 0 ? (
        <p className="rounded-md border bg-sunken p-3 text-muted">{words.own.none}</p>
      ) : (
        <ul className="divide-y rounded-md border">
          {machines.map((machine) => (
            <OwnMachine key={machine.id} machine={machine} figures={figures.get(machine.id)} />
          ))}
        </ul>
      )}
      <OwnSize />
    </Section>
  );
}

/** What the machines take now; the watch leaves out figures that change all the time. */
function useFigures(machinesAndStates: string): ReadonlyMap<string, Machine> {
  const { clients } = useApp();
  const online = useAppState((s) => s.connection === "online");
  const asks = machinesAndStates !== "" && online;
  const ask = useCallback(
    async (signal: AbortSignal) =>
      // Another machine, or another state of one, has other figures.
      new Map(
        (machinesAndStates !== "" && online ? (await clients.host.listMachines({}, { signal })).machines : []).map((machine) => [
          machine.id,
          machine,
        ]),
      ),
    [clients, machinesAndStates, online],
  );
  const { value, reload } = useCall(ask);
  useEffect(() => {
    if (!asks) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), figuresIntervalMs);
    return () => clearInterval(timer);
  }, [asks, reload]);
  return value ?? new Map();
}

function OwnMachine({ machine, figures }: { readonly machine: Machine; readonly figures: Machine | undefined }) {
  const { machine: words, shell } = useStrings();
  const formats = useFormats();
  const name = useAppState((s) => s.environments.get(machine.environmentId)?.environment.metadata?.name ?? machine.id);
  const look = machineLooks[machine.state];
  const runs = machine.state === MachineState.READY || machine.state === MachineState.PAUSED;
  const acts = useMachineActs();
  const taken = Number(figures?.hostMemoryBytes ?? 0n);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-2">
      <span className="min-w-0 flex-1">
        <Link to={{ page: "environment", id: machine.environmentId, tab: "overview" }} className="font-medium hover:underline">
          {name}
        </Link>
        <span className="block text-sm text-muted">
          {words.facts.sizeOf(machine.cpus, formats.bytes(Number(machine.memoryBytes)))}
          {runs && taken > 0 ? `; ${words.own.memoryTaken(formats.bytes(taken))}` : ""}
          {figures === undefined ? "" : `; ${words.own.diskTaken(formats.bytes(Number(figures.dataDiskAllocatedBytes)))}`}
        </span>
      </span>
      <span role="status" className="flex w-44 items-center gap-2">
        <Dot tone={look.tone} busy={look.tone === "accent"} />
        {shell.machineStates[look.name]}
      </span>
      <OwnControls machine={machine} name={name} acts={acts} />
      {machine.failureMessage === "" ? null : <p className="w-full font-mono text-sm text-danger">{machine.failureMessage}</p>}
      {machine.warnings.map((warning) => (
        <p key={warning} className="w-full text-sm text-warn">
          {warning}
        </p>
      ))}
    </li>
  );
}

function OwnControls({ machine, name, acts }: { readonly machine: Machine; readonly name: string; readonly acts: MachineActs }) {
  const { clients } = useApp();
  const { machine: words } = useStrings();
  const online = useAppState((s) => s.connection === "online");
  const machineId = machine.id;
  const { state } = machine;
  const general = !online ? words.notOffline : acts.doing === undefined ? undefined : words.waitForIt;
  const isUp = state === MachineState.READY || state === MachineState.PAUSED;
  const [asking, setAsking] = useState(false);
  const running = useRunningNames(machineId);
  const stop = (): void => void acts.run("stop", async () => clients.host.stopMachine({ machineId }));
  const isOff = state === MachineState.OFF || state === MachineState.ABSENT || state === MachineState.UNSPECIFIED;
  return (
    <span className="flex gap-1">
      <IconButton
        icon={Play}
        label={words.own.start(name)}
        onClick={() => void acts.run("start", async () => clients.host.startMachine({ machineId }))}
        disabledReason={general ?? (isUp ? words.isRunning : state === MachineState.BOOTING ? words.notWhileBusy : undefined)}
      />
      <IconButton
        icon={Moon}
        label={words.own.suspend(name)}
        onClick={() => void acts.run("suspend", async () => clients.host.suspendMachine({ machineId }))}
        disabledReason={general ?? (state === MachineState.READY ? undefined : words.notRunning)}
      />
      <IconButton
        icon={Power}
        label={words.own.stop(name)}
        onClick={() => (running.length > 0 ? setAsking(true) : stop())}
        disabledReason={general ?? (isOff ? words.notRunning : undefined)}
      />
      {asking ? <ConfirmDialog words={words.confirmStop} names={running} onClose={() => setAsking(false)} onConfirm={stop} /> : null}
    </span>
  );
}
