import { Moon, Play, Power, RotateCw } from "lucide-react";
import { useMemo, useState } from "react";
import { MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { sharedMachineId } from "../../../contract/machine-id.ts";
import { useApp, useAppState, useCommands, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { Sections } from "../../ui/section.tsx";
import { Skeleton } from "../../ui/states.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { ConsoleLog } from "./console-log.tsx";
import { DiskSection } from "./disk-section.tsx";
import { type MachineActs, useMachineActs, useRunningNames } from "./machine-actions.ts";
import { MachineNotices } from "./machine-notices.tsx";
import { OwnMachines } from "./own-machines.tsx";
import { ResetSection } from "./reset-section.tsx";
import { SizeSection } from "./size-section.tsx";
import { StateSection } from "./state-section.tsx";

/** The Linux machine that environments share, and those that some have to themselves. */
export function MachinePage() {
  const { machine: words } = useStrings();
  const known = useAppState((state) => state.known);
  const acts = useMachineActs();
  const [asking, setAsking] = useState<"stop" | "restart" | undefined>();
  const controls = useControls(acts, setAsking);
  const running = useRunningNames(sharedMachineId);
  return (
    <Page title={words.title} actions={<Controls controls={controls} />}>
      {known ? (
        <Sections>
          <MachineNotices acts={acts} />
          <StateSection />
          <SizeSection acts={acts} onRestart={controls.restart.now} onAskRestart={controls.restart.run} />
          <DiskSection acts={acts} />
          <OwnMachines />
          <ConsoleLog />
          <ResetSection acts={acts} />
        </Sections>
      ) : (
        <Sections>
          <Skeleton className="h-44" />
          <Skeleton className="h-56" />
          <Skeleton className="h-40" />
        </Sections>
      )}
      {asking === undefined ? null : (
        <ConfirmDialog
          names={running}
          words={asking === "stop" ? words.confirmStop : words.confirmRestart}
          onClose={() => setAsking(undefined)}
          onConfirm={asking === "stop" ? controls.stop.now : controls.restart.now}
        />
      )}
    </Page>
  );
}

interface Control {
  readonly disabledReason: string | undefined;
  /** Asks first when something runs that would stop. */
  readonly run: () => void;
  readonly now: () => void;
}

type ControlSet = Readonly<Record<"start" | "suspend" | "stop" | "restart", Control>>;

function useControls(acts: MachineActs, ask: (what: "stop" | "restart") => void): ControlSet {
  const { clients } = useApp();
  const { machine: words, shell } = useStrings();
  const state = useAppState((s) => s.machine?.state ?? MachineState.UNSPECIFIED);
  // A guest that hangs has failed, and its process still runs.
  const hangs = useAppState((s) => s.machine?.state === MachineState.FAILED && s.machine.startedAt !== undefined);
  const online = useAppState((s) => s.connection === "online");
  const running = useRunningNames(sharedMachineId);
  const { doing, run } = acts;
  const controls = useMemo((): ControlSet => {
    const general = !online ? words.notOffline : doing === undefined ? undefined : words.waitForIt;
    const isUp = state === MachineState.READY || state === MachineState.PAUSED;
    const isSuspended = state === MachineState.SUSPENDED;
    const canStop = isUp || hangs || isSuspended || state === MachineState.BOOTING;
    const start = (): void => void run("start", async () => clients.host.startMachine({}));
    const suspend = (): void => void run("suspend", async () => clients.host.suspendMachine({}));
    const stop = (): void => void run("stop", async () => clients.host.stopMachine({}));
    const restart = (): void => void run("restart", async () => clients.host.restartMachine({}));
    const orAsk = (what: "stop" | "restart", now: () => void) => () => (running.length > 0 ? ask(what) : now());
    return {
      start: {
        disabledReason: general ?? (isUp ? words.isRunning : state === MachineState.BOOTING ? words.notWhileBusy : undefined),
        run: start,
        now: start,
      },
      suspend: { disabledReason: general ?? (state === MachineState.READY ? undefined : words.notRunning), run: suspend, now: suspend },
      stop: { disabledReason: general ?? (canStop ? undefined : words.notRunning), run: orAsk("stop", stop), now: stop },
      restart: {
        disabledReason: general ?? (isUp || hangs || isSuspended ? undefined : words.notRunning),
        run: orAsk("restart", restart),
        now: restart,
      },
    };
  }, [online, words, doing, state, hangs, run, clients, running, ask]);
  useCommands(
    useMemo(
      () =>
        (["start", "suspend", "stop", "restart"] as const).map((name) => ({
          id: `machine:${name}`,
          title: `${shell.machine}: ${words[name]}`,
          section: shell.machine,
          shortcut: { start: "s", suspend: "z", stop: "x", restart: "r" }[name],
          disabledReason: controls[name].disabledReason,
          run: controls[name].run,
        })),
      [controls, shell, words],
    ),
  );
  return controls;
}

function Controls({ controls }: { readonly controls: ControlSet }) {
  const { machine: words } = useStrings();
  const isUp = useAppState((s) => s.machine?.state === MachineState.READY || s.machine?.state === MachineState.PAUSED);
  return (
    <>
      {isUp ? (
        <Button icon={RotateCw} onClick={controls.restart.run} disabledReason={controls.restart.disabledReason}>
          {words.restart}
        </Button>
      ) : (
        <Button icon={Play} kind="primary" onClick={controls.start.run} disabledReason={controls.start.disabledReason}>
          {words.start}
        </Button>
      )}
      <Button icon={Moon} onClick={controls.suspend.run} disabledReason={controls.suspend.disabledReason}>
        {words.suspend}
      </Button>
      <Button icon={Power} onClick={controls.stop.run} disabledReason={controls.stop.disabledReason}>
        {words.stop}
      </Button>
    </>
  );
}
