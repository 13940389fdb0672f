import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { useStrings } from "../../app/context.ts";
import { Button, IconButton } from "../../ui/button.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";

export interface KeptItem {
  readonly id: string;
  readonly name: string;
  readonly note: ReactNode;
  readonly actions: readonly { readonly icon: LucideIcon; readonly label: string; readonly onClick: () => void }[];
}

/** Things that are kept and whose values are never shown: tokens, passwords, secrets. */
export function KeptList({
  items,
  error,
  empty,
  onRetry,
}: {
  /** Nothing while it is not known. */
  readonly items: readonly KeptItem[] | undefined;
  readonly error: BerthError | undefined;
  readonly empty: string;
  readonly onRetry: () => void;
}) {
  const { shell } = useStrings();
  if (items === undefined)
    return error === undefined ? (
      <Skeleton className="h-11" />
    ) : (
      <ErrorState error={error} actions={<Button onClick={onRetry}>{shell.retry}</Button>} />
    );
  if (items.length === 0) return <p className="rounded-md border bg-sunken p-3 text-muted">{empty}</p>;
  return (
    <ul className="divide-y rounded-md border">
      {items.map((item) => (
        <li key={item.id} className="flex min-h-11 items-center gap-3 px-3 py-1.5">
          <span className="min-w-0 truncate font-mono text-sm select-text">{item.name}</span>
          <span className="min-w-0 flex-1 truncate text-sm text-muted">{item.note}</span>
          {item.actions.map((action) => (
            <IconButton key={action.label} icon={action.icon} label={`${action.label}: ${item.name}`} onClick={action.onClick} />
          ))}
        </li>
      ))}
    </ul>
  );
}
