import { useCallback, useState } from "react";
import { type OrganizationMember, OrganizationRole } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { useCall } from "../../../api/use-call.ts";
import { useApp, useStrings } from "../../../app/context.ts";
import { Agree, FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";

/** What is asked before a member is changed. */
export interface MemberQuestion {
  readonly kind: "make-admin" | "make-member" | "suspend" | "remove";
  readonly member: OrganizationMember;
}

export function MemberQuestions({
  question: { kind, member },
  onClose,
  onDone,
}: {
  readonly question: MemberQuestion;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients, organizationId } = useManaged();
  const words = manage.members;
  const { userId, fullName } = member;
  const finish = (text: string): void => {
    toasts.info(text);
    onDone();
  };
  const setRole = async (role: OrganizationRole.ADMIN | OrganizationRole.MEMBER): Promise<void> => {
    await clients.organizations.setRole({ organizationId, userId, role });
    finish(words.roleChanged(fullName, manage.roles[role]));
  };
  switch (kind) {
    case "make-admin":
      return (
        <FormDialog
          title={words.makeAdminTitle(fullName)}
          description={words.makeAdminDetail}
          submit={words.makeAdmin.replace(/ ?…/, "")}
          onSubmit={async () => setRole(OrganizationRole.ADMIN)}
          onClose={onClose}
        />
      );
    case "make-member":
      return (
        <FormDialog
          title={words.makeMemberTitle(fullName)}
          description={words.makeMemberDetail}
          submit={words.makeMember.replace(/ ?…/, "")}
          onSubmit={async () => setRole(OrganizationRole.MEMBER)}
          onClose={onClose}
        />
      );
    case "suspend":
      return (
        <FormDialog
          title={words.suspendTitle(fullName)}
          description={words.suspendDetail}
          submit={words.suspend.replace(/ ?…/, "")}
          kind="danger"
          onSubmit={async () => {
            await clients.users.setSuspended({ userId, suspended: true });
            finish(words.suspended(fullName));
          }}
          onClose={onClose}
        />
      );
    case "remove":
      return <RemoveMemberDialog member={member} onClose={onClose} onRemoved={() => finish(words.removed(fullName))} />;
  }
}

/** Names what is lost, and what stays behind. */
function RemoveMemberDialog({
  member: { userId, fullName },
  onClose,
  onRemoved,
}: {
  readonly member: OrganizationMember;
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.members;
  const [agreed, setAgreed] = useState(false);
  const { value: count, error } = useCall(
    useCallback(
      async (signal: AbortSignal) => {
        const filter = { creatorIds: [userId] };
        return (await clients.environments.listEnvironments({ filter, count: { include: true }, pagination: { pageSize: 1 } }, { signal }))
          .count?.value;
      },
      [clients, userId],
    ),
  );
  return (
    <FormDialog
      title={words.removeTitle(fullName)}
      description={words.removeDetail}
      submit={words.removeSubmit}
      kind="danger"
      blocked={agreed ? undefined : words.agreeRemove(fullName)}
      onSubmit={async () => {
        await clients.users.deleteUser({ userId });
        onRemoved();
      }}
      onClose={onClose}
    >
      <ul className="list-disc rounded-md border bg-sunken py-2 pr-3 pl-7">
        <li>{words.losesTokens}</li>
        {error !== undefined ? null : <li>{count === undefined ? words.counting : words.losesEnvironments(count)}</li>}
      </ul>
      <Agree label={words.agreeRemove(fullName)} agreed={agreed} onToggle={setAgreed} />
    </FormDialog>
  );
}
