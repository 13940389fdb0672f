import { useCallback, useMemo, useState } from "react";
import { sharedMachineId } from "../../../contract/machine-id.ts";
import { EnvironmentPhase } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { useApp, useAppState } from "../../app/context.ts";
import type { EnvironmentView } from "../../store/watch-state.ts";

export type MachineAct = "start" | "suspend" | "stop" | "restart" | "reset" | "reclaim";

/** What is being done with the machine; one thing at a time. */
export interface MachineActs {
  readonly doing: { readonly act: MachineAct; readonly sinceMs: number } | undefined;
  /** Does something and tells of its failure; gives nothing then. */
  readonly run: <Value>(act: MachineAct, call: () => Promise<Value>) => Promise<Value | undefined>;
}

export function useMachineActs(): MachineActs {
  const { toasts } = useApp();
  const [doing, setDoing] = useState<MachineActs["doing"]>();
  const run = useCallback<MachineActs["run"]>(
    async (act, call) => {
      setDoing({ act, sinceMs: Date.now() });
      try {
        return await call();
      } catch (error) {
        toasts.failed(error);
        return undefined;
      } finally {
        setDoing(undefined);
      }
    },
    [toasts],
  );
  return useMemo(() => ({ doing, run }), [doing, run]);
}

/** Names of the environments that run, or are on their way to, and would stop with this machine. */
export function useRunningNames(machineId: string): readonly string[] {
  return useAppState((state) => runningNames([...state.environments.values()].filter((view) => machineIdOf(view) === machineId)));
}

function runningNames(views: readonly EnvironmentView[]): string[] {
  return views
    .filter(({ environment: { spec, status } }) => {
      const phase = status?.phase ?? EnvironmentPhase.UNSPECIFIED;
      return phase === EnvironmentPhase.RUNNING || (spec?.desiredPhase === EnvironmentPhase.RUNNING && phase !== EnvironmentPhase.STOPPED);
    })
    .map((view) => view.environment.metadata?.name ?? view.id)
    .toSorted((a, b) => a.localeCompare(b));
}

/** One that has a machine of its own does not go with the shared one. */
export function isOnSharedMachine(view: EnvironmentView): boolean {
  return machineIdOf(view) === sharedMachineId;
}

function machineIdOf({ details }: EnvironmentView): string {
  return details?.machineId ?? sharedMachineId;
}
