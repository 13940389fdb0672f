import { type ReactNode, useEffect, useId } from "react";
import { CloudOff, Info, KeyRound, type LucideIcon, ShieldX } from "lucide-react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { useApp, useErrorText, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states.tsx";
import { Notice } from "../../ui/notice.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import type { Pages } from "./use-pages.ts";

/** One place of the administration: what it is, what can be done, and what there is. Names the window after itself. */
export function SectionFrame({
  title,
  description,
  actions,
  toolbar,
  children,
}: {
  readonly title: string;
  readonly description: string;
  readonly actions?: ReactNode;
  /** What narrows down what is shown. */
  readonly toolbar?: ReactNode;
  readonly children: ReactNode;
}) {
  const { manage } = useStrings();
  const heading = useId();
  useEffect(() => {
    document.title = `${title} · ${manage.title} · Berth`;
  }, [title, manage]);
  return (
    <section aria-labelledby={heading} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <header className="flex shrink-0 items-start gap-4 px-4 pt-4 pb-3">
        <div className="min-w-0 flex-1">
          <h2 id={heading} className="text-lg font-semibold">
            {title}
          </h2>
          <p className="max-w-160 text-muted">{description}</p>
        </div>
        {actions === undefined ? null : <div className="flex shrink-0 gap-2">{actions}</div>}
      </header>
      {toolbar === undefined ? null : <div className="flex shrink-0 flex-wrap items-center gap-2 px-4 pb-3">{toolbar}</div>}
      {children}
    </section>
  );
}

const icons: Readonly<Partial<Record<BerthError["code"], LucideIcon>>> = {
  "not-allowed": ShieldX,
  "plane-unreachable": CloudOff,
  "sign-in-required": KeyRound,
  "not-supported": Info,
};

/** Why nothing can be shown: what the plane refused, that it is away, or what else went wrong. */
export function Failure({ error, onRetry }: { readonly error: BerthError; readonly onRetry: () => void }) {
  const { shell, manage } = useStrings();
  const { router } = useApp();
  const entry = useErrorText()(error.code);
  const retry = <Button onClick={onRetry}>{shell.retry}</Button>;
  const icon = icons[error.code];
  if (icon === undefined)
    return (
      <div className="p-4">
        <ErrorState error={error} actions={retry} />
      </div>
    );
  const words = error.code === "not-supported" ? manage.notSupported : error.code === "not-allowed" ? manage.notAllowed : undefined;
  const actions =
    error.code === "sign-in-required" ? <Button onClick={() => router.go({ page: "settings" })}>{manage.toSettings}</Button> : retry;
  return (
    <div role="alert" className="min-h-0 flex-1">
      <EmptyState
        icon={icon}
        heading="h3"
        title={words?.title ?? entry.title}
        actions={error.code === "not-supported" ? undefined : actions}
      >
        {words?.detail ?? `${entry.why} ${entry.whatToTry}`}
      </EmptyState>
    </div>
  );
}

/** What was shown before stays, with the reason why it is not new. */
export function Stale({ error, onRetry }: { readonly error: BerthError; readonly onRetry: () => void }) {
  const { shell, manage } = useStrings();
  const entry = useErrorText()(error.code);
  return (
    <div className="px-4 pb-3">
      <Notice tone="warn" title={entry.title} actions={<Button onClick={onRetry}>{shell.retry}</Button>}>
        {manage.stale}
      </Notice>
    </div>
  );
}

/** A list of the plane's in each of its states. */
export function PagedTable<Row>({
  pages,
  empty,
  ...table
}: {
  readonly pages: Pages<Row>;
  /** What stands there when there is nothing. */
  readonly empty: ReactNode;
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
}) {
  const { manage } = useStrings();
  const { rows, total, error, busy, hasMore, more, reload } = pages;
  if (rows === undefined) return error === undefined ? <LoadingRows /> : <Failure error={error} onRetry={reload} />;
  return (
    <>
      {error === undefined ? null : <Stale error={error} onRetry={reload} />}
      {rows.length === 0 && !busy ? (
        <div className="min-h-0 flex-1">{empty}</div>
      ) : (
        // What failed is asked for again by the button above alone.
        <DataTable
          {...table}
          rows={rows}
          total={total ?? (hasMore ? undefined : rows.length)}
          onEnd={error === undefined ? more : () => undefined}
        />
      )}
      <p role="status" className="shrink-0 border-t px-4 py-1.5 text-sm text-muted">
        {busy
          ? manage.asking
          : total !== undefined && total > rows.length
            ? manage.shownOf(rows.length, total)
            : manage.shown(rows.length, hasMore)}
      </p>
    </>
  );
}

function LoadingRows() {
  return (
    <div aria-busy className="flex flex-col gap-2 p-4">
      <Skeleton className="h-8 w-full" />
      <Skeleton className="h-8 w-full" />
      <Skeleton className="h-8 w-2/3" />
    </div>
  );
}
