import { SearchX } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/states.tsx";

/** What stands in an empty list: that there is nothing at all, or nothing that fits what was looked for. */
export function Nothing({
  icon,
  title,
  detail,
  onClear,
  actions,
}: {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly detail?: string;
  /** Given when something is looked for. */
  readonly onClear?: (() => void) | undefined;
  readonly actions?: ReactNode;
}) {
  const { manage } = useStrings();
  if (onClear !== undefined)
    return (
      <EmptyState
        icon={SearchX}
        heading="h3"
        title={manage.nothingFound}
        actions={<Button onClick={onClear}>{manage.clearSearch}</Button>}
      />
    );
  return (
    <EmptyState icon={icon} heading="h3" title={title} actions={actions}>
      {detail}
    </EmptyState>
  );
}
