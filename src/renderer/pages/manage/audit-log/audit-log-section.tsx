import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { ScrollText } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { ListAuditLogsResponse_AuditLogEntry as Entry } from "../../../../contract/gen/gitpod/v1/event_pb.js";
import { useFormats, useStrings } from "../../../app/context.ts";
import { type Column, TwoLines } from "../data-table.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { type AskPage, usePages } from "../use-pages.ts";
import { useMemberNames } from "../use-member-names.ts";
import { AuditFilters } from "./audit-filters.tsx";
import { EntryMenu } from "./entry-menu.tsx";
import { everything, type Looking, principalsOf, resourcesOf } from "./looking.ts";

/** Who changed what, newest first. */
export function AuditLogSection() {
  const { manage } = useStrings();
  const words = manage.auditLog;
  const [looking, setLooking] = useState<Looking>(everything);
  const pages = usePages(useAsk(looking));
  const { rows } = pages;
  const names = useMemberNames(useMemo(() => (rows ?? []).map(({ actorId }) => actorId), [rows]));
  const columns = useColumns(names, looking, setLooking);
  return (
    <SectionFrame
      title={manage.sections["audit-log"]}
      description={words.description}
      toolbar={<AuditFilters looking={looking} onLook={setLooking} />}
    >
      <PagedTable
        pages={pages}
        label={manage.sections["audit-log"]}
        columns={columns}
        keyOf={({ id }) => id}
        empty={<Nothing icon={ScrollText} title={words.none} onClear={looking === everything ? undefined : () => setLooking(everything)} />}
      />
    </SectionFrame>
  );
}

function useAsk({ resource, principal, fromDay, toDay, actor, subject }: Looking): AskPage<Entry> {
  const { clients } = useManaged();
  const actorId = actor?.id ?? "";
  const subjectId = subject?.id ?? "";
  return useCallback(
    async (pagination, signal) => {
      const from = startOfDayMs(fromDay);
      const to = startOfDayMs(toDay, 1);
      const filter = {
        subjectTypes: [...resourcesOf(resource)],
        actorPrincipals: [...principalsOf(principal)],
        actorIds: actorId === "" ? [] : [actorId],
        subjectIds: subjectId === "" ? [] : [subjectId],
        ...(from === undefined ? {} : { from: timestampFromMs(from) }),
        ...(to === undefined ? {} : { to: timestampFromMs(to) }),
      };
      const answer = await clients.events.listAuditLogs({ pagination, filter }, { signal });
      return { rows: answer.entries, nextToken: answer.pagination?.nextToken ?? "" };
    },
    [clients, resource, principal, fromDay, toDay, actorId, subjectId],
  );
}

/** When a day begins here, or one so many days later; undefined where none was chosen. */
function startOfDayMs(day: string, laterDays = 0): number | undefined {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return day === "" ? undefined : new Date(year, month - 1, date + laterDays).getTime();
}

function useColumns(names: ReadonlyMap<string, string>, looking: Looking, onLook: (looking: Looking) => void): readonly Column<Entry>[] {
  const { manage } = useStrings();
  const formats = useFormats();
  const words = manage.auditLog;
  const nameOf = ({ actorId }: Entry): string => names.get(actorId) || actorId;
  return [
    {
      id: "time",
      header: words.columns.time,
      className: "w-40 text-muted tabular-nums",
      cell: ({ createdAt }) => (createdAt === undefined ? null : formats.dateTime(timestampMs(createdAt))),
    },
    {
      id: "actor",
      header: words.columns.actor,
      className: "w-36",
      cell: (entry) => <TwoLines first={nameOf(entry)} second={words.principals[entry.actorPrincipal]} title={entry.actorId} />,
    },
    {
      id: "action",
      header: words.columns.action,
      className: "flex-1",
      cell: ({ action }) => {
        // E.g. "UpdateProject: updated metadata.name".
        const [method, ...did] = action.split(": ");
        return <TwoLines first={method} second={did.join(": ")} title={action} />;
      },
    },
    {
      id: "subject",
      header: words.columns.subject,
      className: "hidden w-44 @2xl:block",
      cell: ({ subjectType, subjectId }) => (
        <TwoLines first={words.resources[subjectType]} second={<code className="font-mono text-xs">{subjectId}</code>} title={subjectId} />
      ),
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-7 justify-end",
      cell: (entry) => <EntryMenu entry={entry} actorName={nameOf(entry)} looking={looking} onLook={onLook} />,
    },
  ];
}
