import type { ReactNode } from "react";
import type { Call } from "../../../api/use-call.ts";
import { Skeleton } from "../../../ui/states.tsx";
import { Failure, Stale } from "../section-frame.tsx";

/** A short list of the plane's in each of its states. */
export function KeptRows<Item>({
  call: { value, error, reload },
  empty,
  keyOf,
  children,
}: {
  readonly call: Call<Item[]>;
  readonly empty: string;
  readonly keyOf: (item: Item) => string;
  readonly children: (item: Item) => ReactNode;
}) {
  if (value === undefined)
    return error === undefined ? (
      <div aria-busy>
        <Skeleton className="h-11" />
      </div>
    ) : (
      <Failure error={error} onRetry={reload} />
    );
  return (
    <>
      {error === undefined ? null : <Stale error={error} onRetry={reload} />}
      {value.length === 0 ? (
        <p className="rounded-md border bg-sunken p-3 text-muted">{empty}</p>
      ) : (
        <ul className="divide-y rounded-md border">
          {value.map((item) => (
            <li key={keyOf(item)} className="flex min-h-12 items-center gap-3 px-3 py-1.5">
              {children(item)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
