import type { LucideIcon } from "lucide-react";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useErrorText, useStrings } from "../app/context.ts";
import type { BerthError } from "../../contract/berth-error.ts";
import { cx } from "./cx.ts";

/** What stands where there is nothing: what belongs here and how to get it. */
export function EmptyState({
  icon: Icon,
  title,
  children,
  actions,
  heading: Heading = "h2",
}: {
  /** `h1` where it is all there is on the page. */
  readonly heading?: "h1" | "h2" | "h3";
  readonly icon?: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}) {
  return (
    <div className="flex h-full flex-col items-center justify-center gap-2 p-8 text-center">
      {Icon === undefined ? null : <Icon size={28} strokeWidth={1.5} aria-hidden className="mb-1 text-muted" />}
      <Heading className="text-lg font-semibold">{title}</Heading>
      {children === undefined ? null : <div className="max-w-110 text-muted">{children}</div>}
      {actions === undefined ? null : <div className="mt-2 flex gap-2">{actions}</div>}
    </div>
  );
}

/** A failure as a person can use it: what did not happen, why, what to try, and buttons that try it. */
export function ErrorState({
  error,
  actions,
  compact = false,
}: {
  readonly error: BerthError;
  readonly actions?: ReactNode;
  readonly compact?: boolean;
}) {
  const { shell } = useStrings();
  const entry = useErrorText()(error.code);
  return (
    <section role="alert" className={cx("flex gap-3 rounded-md border border-danger bg-danger-soft", compact ? "p-3" : "p-4")}>
      <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-danger" />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <h3 className="font-semibold">{entry.title}</h3>
        {error.detail === "" ? null : <p className="font-mono text-sm break-words select-text">{error.detail}</p>}
        <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5">
          <dt className="text-muted">{shell.why}</dt>
          <dd>{entry.why}</dd>
          <dt className="text-muted">{shell.whatToTry}</dt>
          <dd>{entry.whatToTry}</dd>
        </dl>
        {actions === undefined ? null : <div className="mt-2 flex flex-wrap gap-2">{actions}</div>}
      </div>
    </section>
  );
}

/** Stands where something will be in a moment, so that nothing jumps when it comes. */
export function Skeleton({ className }: { readonly className?: string }) {
  const { shell } = useStrings();
  return <div role="status" aria-label={shell.loading} className={cx("animate-pulse rounded-md bg-hover", className ?? "h-4 w-full")} />;
}
