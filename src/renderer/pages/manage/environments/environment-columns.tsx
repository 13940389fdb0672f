import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Ellipsis, Filter, Square, Trash2 } from "lucide-react";
import { type Environment, EnvironmentPhase } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import type { Runner } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useFormats, useNow, useStrings } from "../../../app/context.ts";
import type { RowState } from "../../../environments/environment-row.ts";
import { StateLabel } from "../../../environments/state-label.tsx";
import { IconButton } from "../../../ui/button.tsx";
import { Menu } from "../../../ui/menu.tsx";
import { type Column, TwoLines } from "../data-table.tsx";
import { useManaged } from "../manage-context.ts";
import { useClasses } from "../use-classes.ts";
import { useDo } from "../use-do.ts";

const agoTickMs = 30_000;

const states: Readonly<Record<EnvironmentPhase, RowState | undefined>> = {
  [EnvironmentPhase.UNSPECIFIED]: undefined,
  [EnvironmentPhase.CREATING]: "starting",
  [EnvironmentPhase.STARTING]: "starting",
  [EnvironmentPhase.RUNNING]: "running",
  [EnvironmentPhase.UPDATING]: "starting",
  [EnvironmentPhase.STOPPING]: "stopping",
  [EnvironmentPhase.STOPPED]: "stopped",
  [EnvironmentPhase.DELETING]: "deleting",
  [EnvironmentPhase.DELETED]: "deleting",
};

/** As it is, or as it will be: a runner that is away learns of what is wanted when it is back. */
function stateOf({ spec, status }: Environment): RowState | undefined {
  const state = states[status?.phase ?? EnvironmentPhase.UNSPECIFIED];
  if (spec?.desiredPhase === EnvironmentPhase.DELETED) return "deleting";
  return spec?.desiredPhase === EnvironmentPhase.STOPPED && (state === "running" || state === "starting") ? "stopping" : state;
}

interface Hands {
  readonly names: ReadonlyMap<string, string>;
  readonly runners: readonly Runner[];
  readonly onOwner: (owner: { readonly id: string; readonly name: string }) => void;
  readonly onDelete: (environment: Environment) => void;
  readonly onDone: () => void;
}

export function useEnvironmentColumns(hands: Hands): readonly Column<Environment>[] {
  const { names, runners } = hands;
  const { manage, environments } = useStrings();
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const classes = useClasses().value;
  const words = manage.environments;
  const ownerOf = ({ metadata }: Environment): string => ownerName(metadata?.creator?.id ?? "", names, manage.formerMember);
  return [
    {
      id: "name",
      header: words.columns.name,
      className: "flex-1",
      cell: ({ metadata }) => (
        <TwoLines first={metadata?.name} second={metadata?.originalContextUrl} title={metadata?.originalContextUrl ?? ""} />
      ),
    },
    {
      id: "state",
      header: words.columns.state,
      className: "w-28",
      cell: (environment) => {
        const state = stateOf(environment);
        const failure = (environment.status?.failureMessage ?? [])[0] ?? "";
        return state === undefined ? environments.remote.phaseUnknown : <StateLabel row={{ state, step: undefined, failure }} />;
      },
    },
    {
      id: "owner",
      header: words.columns.owner,
      className: "w-32 truncate",
      cell: ownerOf,
    },
    {
      id: "runner",
      header: words.columns.runner,
      className: "hidden w-40 @2xl:block",
      cell: ({ metadata, spec }) => (
        <TwoLines
          first={runners.find(({ runnerId }) => runnerId === metadata?.runnerId)?.name ?? manage.unknown}
          second={classes?.get(spec?.machine?.class ?? "")?.displayName ?? ""}
        />
      ),
    },
    {
      id: "age",
      header: words.columns.age,
      className: "hidden w-28 text-muted @xl:block",
      cell: ({ metadata }) => (metadata?.createdAt === undefined ? null : formats.ago(timestampMs(metadata.createdAt), nowMs)),
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-7 justify-end",
      cell: (environment) => <EnvironmentMenu environment={environment} ownerName={ownerOf(environment)} {...hands} />,
    },
  ];
}

function ownerName(id: string, names: ReadonlyMap<string, string>, former: string): string {
  const name = names.get(id);
  return name === undefined ? "" : name === "" ? former : name;
}

function EnvironmentMenu({
  environment,
  ownerName: owner,
  onOwner,
  onDelete,
  onDone,
}: Omit<Hands, "names" | "runners"> & { readonly environment: Environment; readonly ownerName: string }) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const doIt = useDo(onDone);
  const words = manage.environments;
  const { id, metadata } = environment;
  const name = metadata?.name ?? "";
  const state = stateOf(environment);
  const creatorId = metadata?.creator?.id ?? "";
  const isGoing = state === "deleting";
  const rests = state === "stopped" || state === "stopping";
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={manage.moreActions(name)} />}
      groups={[
        {
          entries: [
            {
              id: "stop",
              label: words.stop,
              icon: Square,
              disabledReason: isGoing ? words.beingDeleted : rests ? words.isStopped : undefined,
              onSelect: () => void doIt(async () => clients.environments.stopEnvironment({ environmentId: id }), words.stopping(name)),
            },
            { id: "owner", label: words.onlyOf(owner), icon: Filter, onSelect: () => onOwner({ id: creatorId, name: owner }) },
          ],
        },
        {
          entries: [
            {
              id: "delete",
              label: words.delete,
              icon: Trash2,
              danger: true,
              disabledReason: isGoing ? words.beingDeleted : undefined,
              onSelect: () => onDelete(environment),
            },
          ],
        },
      ]}
    />
  );
}
