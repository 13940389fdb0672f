import { Boxes, Building2, Cpu, Info, Plus, Search, Settings, Stethoscope, type LucideIcon } from "lucide-react";
import { Context_State } from "../../contract/gen/berth/v1/context_pb.js";
import { MachineState } from "../../contract/gen/berth/v1/host_pb.js";
import { useContexts } from "../planes/use-contexts.ts";
import type { Route } from "../router/routes.ts";
import { Dot } from "../ui/badge.tsx";
import { cx } from "../ui/cx.ts";
import { Kbd } from "../ui/kbd.tsx";
import { Link } from "../ui/link.tsx";
import { Tooltip } from "../ui/tooltip.tsx";
import { useAppState, useRoute, useStrings } from "./context.ts";
import { machineLooks } from "./machine-looks.ts";

/** Where one can go, and at its foot how things are. */
export function Sidebar({ onSearch }: { readonly onSearch: () => void }) {
  const { shell } = useStrings();
  const count = useAppState((state) => state.environments.size);
  return (
    <nav aria-label={shell.mainNavigation} className="flex w-52 shrink-0 flex-col gap-0.5 border-r bg-sunken p-2">
      <button
        type="button"
        onClick={onSearch}
        className="mb-2 flex h-8 items-center gap-2 rounded-md border bg-bg px-2 text-left text-muted hover:bg-hover"
      >
        <Search size={14} aria-hidden />
        <span className="flex-1 truncate">{shell.search}</span>
        <Kbd shortcut="mod+k" />
      </button>
      <NavigationLink to={{ page: "environments" }} icon={Boxes} label={shell.environments} count={count} />
      <NavigationLink to={{ page: "new", source: "" }} icon={Plus} label={shell.newEnvironment} />
      <div className="my-1.5 h-px bg-line" />
      <NavigationLink to={{ page: "machine" }} icon={Cpu} label={shell.machine} />
      <ManageLink />
      <NavigationLink to={{ page: "settings" }} icon={Settings} label={shell.settings} />
      <NavigationLink to={{ page: "diagnostics" }} icon={Stethoscope} label={shell.diagnostics} />
      <NavigationLink to={{ page: "about" }} icon={Info} label={shell.about} />
      <div className="flex-1" />
      <MachineLine />
      <ConnectionLine />
    </nav>
  );
}

/** There for who is signed in to a plane. */
function ManageLink() {
  const { shell } = useStrings();
  const { value } = useContexts();
  if (value?.some(({ state }) => state !== Context_State.SIGNED_OUT) !== true) return null;
  return <NavigationLink to={{ page: "manage", contextId: "", section: "members" }} icon={Building2} label={shell.manage} />;
}

function NavigationLink({
  to,
  icon: Icon,
  label,
  count,
}: {
  readonly to: Route;
  readonly icon: LucideIcon;
  readonly label: string;
  readonly count?: number;
}) {
  const { page } = useRoute();
  const here = page === to.page || (page === "environment" && to.page === "environments");
  return (
    <Link
      to={to}
      aria-current={here ? "page" : undefined}
      className={cx(
        "flex h-7 items-center gap-2 rounded-md px-2",
        here ? "bg-selected font-medium" : "text-muted hover:bg-hover hover:text-fg",
      )}
    >
      <Icon size={15} aria-hidden className="shrink-0" />
      <span className="flex-1 truncate">{label}</span>
      {count === undefined || count === 0 ? null : <span className="text-sm text-muted tabular-nums">{count}</span>}
    </Link>
  );
}

function MachineLine() {
  const { shell } = useStrings();
  const machine = useAppState((state) => state.machine);
  const look = machineLooks[machine?.state ?? MachineState.UNSPECIFIED];
  const slow = machine !== undefined && machine.acceleratorWarning !== "";
  return (
    <Tooltip text={slow ? machine.acceleratorWarning : undefined}>
      <Link to={{ page: "machine" }} className="flex h-7 items-center gap-2 rounded-md px-2 text-muted hover:bg-hover hover:text-fg">
        <Dot tone={look.tone} busy={look.tone === "accent"} />
        <span className="flex-1 truncate">{shell.machineStates[look.name]}</span>
        {slow ? <span className="text-sm text-warn">{shell.slowMachine}</span> : null}
      </Link>
    </Tooltip>
  );
}

function ConnectionLine() {
  const { shell } = useStrings();
  const connection = useAppState((state) => state.connection);
  const text = { connecting: shell.connecting, online: shell.connected, offline: shell.offline, refused: shell.offline }[connection];
  return (
    <div role="status" className="flex h-7 items-center gap-2 px-2 text-muted">
      <Dot tone={connection === "online" ? "ok" : connection === "connecting" ? "accent" : "danger"} busy={connection === "connecting"} />
      {text}
    </div>
  );
}
