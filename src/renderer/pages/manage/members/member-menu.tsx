import { Ellipsis, ShieldCheck, Trash2, User, UserCheck, UserX } from "lucide-react";
import { type OrganizationMember, OrganizationRole } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../../../../contract/gen/gitpod/v1/user_pb.js";
import { useStrings } from "../../../app/context.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Menu } from "../../../ui/menu.tsx";
import { useManaged } from "../manage-context.ts";
import { useDo } from "../use-do.ts";
import type { MemberQuestion } from "./member-questions.tsx";

/** What can be done with a member. */
export function MemberMenu({
  member,
  ask,
  onDone,
}: {
  readonly member: OrganizationMember;
  readonly ask: (question: MemberQuestion) => void;
  readonly onDone: () => void;
}) {
  const { manage } = useStrings();
  const { clients, userId } = useManaged();
  const words = manage.members;
  const doIt = useDo(onDone);
  const { fullName, role, status } = member;
  if (status === UserStatus.LEFT) return null;
  const disabledReason = member.userId === userId ? words.notYourself : undefined;
  const resume = (): void =>
    void doIt(async () => clients.users.setSuspended({ userId: member.userId, suspended: false }), words.resumed(fullName));
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={manage.moreActions(fullName)} />}
      groups={[
        {
          entries: [
            role === OrganizationRole.ADMIN
              ? { id: "member", label: words.makeMember, icon: User, disabledReason, onSelect: () => ask({ kind: "make-member", member }) }
              : { id: "admin", label: words.makeAdmin, icon: ShieldCheck, onSelect: () => ask({ kind: "make-admin", member }) },
            status === UserStatus.SUSPENDED
              ? { id: "resume", label: words.resume, icon: UserCheck, onSelect: resume }
              : { id: "suspend", label: words.suspend, icon: UserX, disabledReason, onSelect: () => ask({ kind: "suspend", member }) },
          ],
        },
        {
          entries: [
            {
              id: "remove",
              label: words.remove,
              icon: Trash2,
              danger: true,
              disabledReason,
              onSelect: () => ask({ kind: "remove", member }),
            },
          ],
        },
      ]}
    />
  );
}
