import { Boxes } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import {
  type Environment,
  EnvironmentPhase,
  ListEnvironmentsRequest_ArchivalStatus as ArchivalStatus,
  ListEnvironmentsRequest_SortField,
} from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { SortOrder } from "../../../../contract/gen/gitpod/v1/pagination_pb.js";
import { useApp, useStrings } from "../../../app/context.ts";
import { Select } from "../../../ui/select.tsx";
import { optionsOf } from "../../settings/setting.tsx";
import { FilterChip } from "../filter-chip.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { SearchBox, searchDelayMs } from "../search-box.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { useMemberNames } from "../use-member-names.ts";
import { type AskPage, usePolledPages } from "../use-pages.ts";
import { useRunners } from "../use-runners.ts";
import { useSettled } from "../use-settled.ts";
import { DeleteEnvironmentDialog } from "./delete-environment-dialog.tsx";
import { useEnvironmentColumns } from "./environment-columns.tsx";

const pollMs = 10_000;
const anyRunner = "";

const { CREATING, STARTING, RUNNING, UPDATING, STOPPING, STOPPED, DELETING } = EnvironmentPhase;
const phases = { all: [], running: [RUNNING, UPDATING], changing: [CREATING, STARTING, STOPPING, DELETING], stopped: [STOPPED] } as const;
const phaseFilters = ["all", "running", "changing", "stopped"] as const satisfies readonly (keyof typeof phases)[];
const archival = { current: ArchivalStatus.ACTIVE, archived: ArchivalStatus.ARCHIVED, all: ArchivalStatus.ALL } as const;
const archivalFilters = ["current", "archived", "all"] as const satisfies readonly (keyof typeof archival)[];

interface Wanted {
  readonly search: string;
  readonly phase: keyof typeof phases;
  readonly archived: keyof typeof archival;
  readonly runnerId: string;
  readonly owner: { readonly id: string; readonly name: string } | undefined;
}

const everything: Wanted = { search: "", phase: "all", archived: "current", runnerId: anyRunner, owner: undefined };

/** Everybody's environments. */
export function EnvironmentsSection() {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const words = manage.environments;
  const [wanted, setWanted] = useState<Wanted>(everything);
  const [deleting, setDeleting] = useState<Environment | undefined>();
  const runners = useRunners().value ?? [];
  const pages = usePolledPages(useAsk(wanted), pollMs);
  const { rows, reload } = pages;
  const names = useMemberNames(useMemo(() => (rows ?? []).map(({ metadata }) => metadata?.creator?.id ?? ""), [rows]));
  const columns = useEnvironmentColumns({
    names,
    runners,
    onOwner: (owner) => setWanted({ ...wanted, owner }),
    onDelete: setDeleting,
    onDone: reload,
  });
  return (
    <SectionFrame
      title={manage.sections.environments}
      description={words.description}
      toolbar={<Filters wanted={wanted} runners={runners} onWant={setWanted} />}
    >
      <PagedTable
        pages={pages}
        label={manage.sections.environments}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Nothing
            icon={Boxes}
            title={words.none}
            detail={words.noneDetail}
            onClear={wanted === everything ? undefined : () => setWanted(everything)}
          />
        }
      />
      {deleting === undefined ? null : (
        <DeleteEnvironmentDialog
          environment={deleting}
          owner={names.get(deleting.metadata?.creator?.id ?? "") ?? ""}
          onDeleted={(name) => {
            toasts.info(words.deleted(name));
            reload();
          }}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </SectionFrame>
  );
}

function useAsk({ search, phase, archived, runnerId, owner }: Wanted): AskPage<Environment> {
  const { clients } = useManaged();
  const settled = useSettled(search.trim(), searchDelayMs);
  const ownerId = owner?.id ?? "";
  return useCallback(
    async (pagination, signal) => {
      const answer = await clients.environments.listEnvironments(
        {
          pagination,
          filter: {
            search: settled,
            statusPhases: [...phases[phase]],
            archivalStatus: archival[archived],
            runnerIds: runnerId === anyRunner ? [] : [runnerId],
            creatorIds: ownerId === "" ? [] : [ownerId],
          },
          sort: { field: ListEnvironmentsRequest_SortField.ID, order: SortOrder.DESC },
          count: { include: true },
        },
        { signal },
      );
      return { rows: answer.environments, nextToken: answer.pagination?.nextToken ?? "", total: answer.count?.value };
    },
    [clients, settled, phase, archived, runnerId, ownerId],
  );
}

function Filters({
  wanted,
  runners,
  onWant,
}: {
  readonly wanted: Wanted;
  readonly runners: readonly { readonly runnerId: string; readonly name: string }[];
  readonly onWant: (wanted: Wanted) => void;
}) {
  const { manage } = useStrings();
  const words = manage.environments;
  const { owner } = wanted;
  return (
    <>
      <SearchBox label={words.search} value={wanted.search} onChange={(search) => onWant({ ...wanted, search })} />
      <Select
        label={words.phase}
        value={wanted.phase}
        options={optionsOf(words.phaseFilters, phaseFilters)}
        onChange={(phase) => onWant({ ...wanted, phase })}
      />
      <Select
        label={words.runner}
        value={wanted.runnerId}
        options={[{ value: anyRunner, label: words.anyRunner }, ...runners.map((one) => ({ value: one.runnerId, label: one.name }))]}
        onChange={(runnerId) => onWant({ ...wanted, runnerId })}
      />
      <Select
        label={words.archived}
        value={wanted.archived}
        options={optionsOf(words.archivalFilters, archivalFilters)}
        onChange={(archived) => onWant({ ...wanted, archived })}
      />
      {owner === undefined ? null : (
        <FilterChip label={words.onlyOf(owner.name)} onRemove={() => onWant({ ...wanted, owner: undefined })} />
      )}
    </>
  );
}
