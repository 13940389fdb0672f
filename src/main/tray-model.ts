import type { HostState } from "../contract/desktop-bridge.ts";
import { MachineState } from "../contract/gen/berth/v1/host_pb.js";
import { type MenuItemModel, separator, type ShellAction } from "./menu-model.ts";
import { repositoryLabel } from "./recent.ts";
import { liveEnvironments, type ShellState } from "./shell-state.ts";
import type { ShellText } from "./text.ts";

/** What is beyond fits no menu; the window shows all. */
const maxEnvironments = 10;
const maxRecent = 8;

/** The menu of the tray: what runs, what can be begun at once, and the way out. */
export function trayModel({
  state,
  host,
  recent,
  text,
}: {
  readonly state: ShellState;
  readonly host: HostState;
  readonly recent: readonly string[];
  readonly text: ShellText;
}): readonly MenuItemModel[] {
  const item = (label: string, action: ShellAction): MenuItemModel => ({ type: "action", label, action });
  const live = liveEnvironments(state);
  const quitItems = [
    item(text.leave, { kind: "quit", choice: "leave" }),
    item(text.suspend, { kind: "quit", choice: "suspend" }),
    item(text.stopAll, { kind: "quit", choice: "stop" }),
  ];
  return [
    item(text.show, { kind: "show" }),
    item(text.newEnvironment, { kind: "navigate", route: "/new" }),
    ...(recent.length === 0
      ? []
      : [
          {
            type: "submenu" as const,
            label: text.recent,
            items: recent
              .slice(0, maxRecent)
              .map((url) => item(repositoryLabel(url), { kind: "navigate", route: `/new?url=${encodeURIComponent(url)}` })),
          },
        ]),
    separator,
    ...(live.length === 0
      ? [{ type: "label" as const, label: text.noneRunning }]
      : live.slice(0, maxEnvironments).map(({ id, name }) => ({
          type: "submenu" as const,
          label: name,
          items: [
            item(text.open, { kind: "navigate", route: `/environments/${id}/overview` }),
            item(text.stop, { kind: "stop", environmentId: id }),
          ],
        }))),
    separator,
    host.phase === "failed"
      ? item(text.hostFailed, { kind: "restart-host" })
      : item(machineLabel(state, text), { kind: "navigate", route: "/machine" }),
    separator,
    live.length === 0 ? item(text.quit, { kind: "quit", choice: "leave" }) : { type: "submenu", label: text.quitMenu, items: quitItems },
  ];
}

function machineLabel({ connected, machine }: ShellState, text: ShellText): string {
  if (!connected) return text.hostStarting;
  switch (machine) {
    case MachineState.BOOTING:
    case MachineState.STOPPING:
      return text.machineBusy;
    case MachineState.READY:
      return text.machineReady;
    case MachineState.SUSPENDED:
      return text.machineSuspended;
    case MachineState.PAUSED:
      return text.machinePaused;
    case MachineState.FAILED:
      return text.machineFailed;
    case MachineState.UNSPECIFIED:
    case MachineState.ABSENT:
    case MachineState.OFF:
      return text.machineOff;
  }
}
