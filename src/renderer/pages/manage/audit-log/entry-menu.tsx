import { Copy, Ellipsis, Filter } from "lucide-react";
import type { ListAuditLogsResponse_AuditLogEntry as Entry } from "../../../../contract/gen/gitpod/v1/event_pb.js";
import { useCopy, useStrings } from "../../../app/context.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Menu } from "../../../ui/menu.tsx";
import type { Looking } from "./looking.ts";

/** Where to go on from an entry. */
export function EntryMenu({
  entry: { action, actorId, subjectId, subjectType },
  actorName,
  looking,
  onLook,
}: {
  readonly entry: Entry;
  readonly actorName: string;
  readonly looking: Looking;
  readonly onLook: (looking: Looking) => void;
}) {
  const { manage } = useStrings();
  const copy = useCopy();
  const words = manage.auditLog;
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={manage.moreActions(action)} />}
      groups={[
        {
          entries: [
            {
              id: "actor",
              label: words.onlyBy(actorName),
              icon: Filter,
              onSelect: () => onLook({ ...looking, actor: { id: actorId, name: actorName } }),
            },
            {
              id: "subject",
              label: words.onlyThis,
              icon: Filter,
              onSelect: () => onLook({ ...looking, subject: { id: subjectId, name: `${words.resources[subjectType]} ${subjectId}` } }),
            },
            { id: "copy", label: words.copyId, icon: Copy, onSelect: () => copy(subjectId) },
          ],
        },
      ]}
    />
  );
}
