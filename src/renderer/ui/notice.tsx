import { Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx.ts";

const looks = {
  info: "border-line bg-sunken",
  warn: "border-warn bg-warn-soft",
  danger: "border-danger bg-danger-soft",
} as const;
const icons = { info: "text-muted", warn: "text-warn", danger: "text-danger" } as const;

/** Something to know that stands where it matters, with what can be done about it. */
export function Notice({
  tone = "info",
  title,
  children,
  actions,
}: {
  readonly tone?: keyof typeof looks;
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}) {
  const Icon = tone === "info" ? Info : TriangleAlert;
  return (
    <div role="status" className={cx("flex gap-3 rounded-md border p-3", looks[tone])}>
      <Icon size={16} aria-hidden className={cx("mt-0.5 shrink-0", icons[tone])} />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {children === undefined ? null : <div className="break-words select-text">{children}</div>}
        {actions === undefined ? null : <div className="mt-2 flex flex-wrap gap-2">{actions}</div>}
      </div>
    </div>
  );
}
