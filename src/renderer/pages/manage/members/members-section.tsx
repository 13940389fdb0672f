import { timestampMs } from "@bufbuild/protobuf/wkt";
import { UserPlus, Users } from "lucide-react";
import { useCallback, useState } from "react";
import {
  ListMembersRequest_SortField,
  type OrganizationMember,
  OrganizationRole,
} from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../../../../contract/gen/gitpod/v1/user_pb.js";
import { useFormats, useStrings } from "../../../app/context.ts";
import { Badge, Dot, type Tone } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { Select } from "../../../ui/select.tsx";
import { type Column, TwoLines } from "../data-table.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { SearchBox, searchDelayMs } from "../search-box.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { type AskPage, usePages } from "../use-pages.ts";
import { useSettled } from "../use-settled.ts";
import { InviteDialog } from "./invite-dialog.tsx";
import { type MemberQuestion, MemberQuestions } from "./member-questions.tsx";
import { MemberMenu } from "./member-menu.tsx";

const tones: Readonly<Record<UserStatus, Tone>> = {
  [UserStatus.UNSPECIFIED]: "neutral",
  [UserStatus.ACTIVE]: "ok",
  [UserStatus.SUSPENDED]: "warn",
  [UserStatus.LEFT]: "neutral",
};
const roleFilters = { all: [], admin: [OrganizationRole.ADMIN], member: [OrganizationRole.MEMBER] } as const;
const statusFilters = { all: [], active: [UserStatus.ACTIVE], suspended: [UserStatus.SUSPENDED], left: [UserStatus.LEFT] } as const;

interface Wanted {
  readonly search: string;
  readonly role: keyof typeof roleFilters;
  readonly status: keyof typeof statusFilters;
}

const everybody: Wanted = { search: "", role: "all", status: "active" };

/** Members: who there is, what they may do, and how others come in. */
export function MembersSection() {
  const { manage } = useStrings();
  const words = manage.members;
  const [wanted, setWanted] = useState<Wanted>(everybody);
  const [question, setQuestion] = useState<MemberQuestion | undefined>();
  const [inviting, setInviting] = useState(false);
  const pages = usePages(useAsk(wanted));
  const columns = useColumns(setQuestion, pages.reload);
  return (
    <SectionFrame
      title={manage.sections.members}
      description={words.description}
      actions={
        <Button icon={UserPlus} onClick={() => setInviting(true)}>
          {words.invite}
        </Button>
      }
      toolbar={<Filters wanted={wanted} onWant={setWanted} />}
    >
      <PagedTable
        pages={pages}
        label={manage.sections.members}
        columns={columns}
        keyOf={(member) => member.userId}
        empty={<Nothing icon={Users} title={words.none} onClear={() => setWanted({ ...everybody, status: "all" })} />}
      />
      {question === undefined ? null : <MemberQuestions question={question} onClose={() => setQuestion(undefined)} onDone={pages.reload} />}
      {inviting ? <InviteDialog onClose={() => setInviting(false)} /> : null}
    </SectionFrame>
  );
}

function useAsk({ search, role, status }: Wanted): AskPage<OrganizationMember> {
  const { clients, organizationId } = useManaged();
  const settled = useSettled(search.trim(), searchDelayMs);
  return useCallback(
    async (pagination, signal) => {
      const answer = await clients.organizations.listMembers(
        {
          organizationId,
          pagination,
          filter: { search: settled, roles: [...roleFilters[role]], statuses: [...statusFilters[status]] },
          sort: { field: ListMembersRequest_SortField.NAME },
          count: { include: true },
        },
        { signal },
      );
      return { rows: answer.members, nextToken: answer.pagination?.nextToken ?? "", total: answer.count?.value };
    },
    [clients, organizationId, settled, role, status],
  );
}

function Filters({ wanted, onWant }: { readonly wanted: Wanted; readonly onWant: (wanted: Wanted) => void }) {
  const { manage } = useStrings();
  const words = manage.members;
  return (
    <>
      <SearchBox label={words.search} value={wanted.search} onChange={(search) => onWant({ ...wanted, search })} />
      <Select
        label={words.role}
        value={wanted.role}
        options={[
          { value: "all", label: `${words.role}: ${manage.all}` },
          { value: "admin", label: manage.roles[1] },
          { value: "member", label: manage.roles[2] },
        ]}
        onChange={(role) => onWant({ ...wanted, role })}
      />
      <Select
        label={words.status}
        value={wanted.status}
        options={[
          { value: "all", label: `${words.status}: ${manage.all}` },
          { value: "active", label: words.statuses[1] },
          { value: "suspended", label: words.statuses[2] },
          { value: "left", label: words.statuses[3] },
        ]}
        onChange={(status) => onWant({ ...wanted, status })}
      />
    </>
  );
}

function useColumns(ask: (question: MemberQuestion) => void, reload: () => void): readonly Column<OrganizationMember>[] {
  const { manage } = useStrings();
  const { userId } = useManaged();
  const formats = useFormats();
  const words = manage.members;
  return [
    {
      id: "name",
      header: words.columns.name,
      className: "flex-1",
      cell: (member) => (
        <TwoLines
          first={member.userId === userId ? words.you(member.fullName) : member.fullName}
          second={member.email}
          title={member.email}
        />
      ),
    },
    {
      id: "role",
      header: words.columns.role,
      className: "w-32",
      cell: ({ role }) =>
        role === OrganizationRole.UNSPECIFIED ? (
          manage.unknown
        ) : (
          <Badge tone={role === OrganizationRole.ADMIN ? "accent" : "neutral"}>{manage.roles[role]}</Badge>
        ),
    },
    {
      id: "status",
      header: words.columns.status,
      className: "w-28",
      cell: ({ status }) => (
        <span className="flex items-center gap-2">
          <Dot tone={tones[status]} />
          {words.statuses[status]}
        </span>
      ),
    },
    {
      id: "via",
      header: words.columns.via,
      className: "hidden w-36 truncate text-muted @3xl:block",
      cell: ({ loginProvider }) => loginProvider,
    },
    {
      id: "since",
      header: words.columns.since,
      className: "hidden w-32 text-muted @2xl:block",
      cell: ({ memberSince }) => (memberSince === undefined ? null : formats.date(timestampMs(memberSince))),
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-7 justify-end",
      cell: (member) => <MemberMenu member={member} ask={ask} onDone={reload} />,
    },
  ];
}
