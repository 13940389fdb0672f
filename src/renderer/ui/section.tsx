import { type ReactNode, useId } from "react";
import { cx } from "./cx.ts";

/** A part of a screen with a heading of its own. */
export function Section({
  id,
  title,
  description,
  actions,
  size = "usual",
  children,
  className,
}: {
  readonly id?: string;
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  /** Of its heading. */
  readonly size?: "usual" | "large";
  readonly children: ReactNode;
  readonly className?: string;
}) {
  const heading = useId();
  return (
    <section aria-labelledby={heading} {...(id === undefined ? {} : { id })} className={cx("flex flex-col gap-3", className)}>
      <header className="flex items-start gap-4">
        <div className="min-w-0 flex-1">
          <h2 id={heading} className={cx("font-semibold", size === "large" ? "text-lg" : undefined)}>
            {title}
          </h2>
          {description === undefined ? null : <p className="text-muted">{description}</p>}
        </div>
        {actions === undefined ? null : <div className="flex shrink-0 gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** The column that a screen's sections stand in; as wide as lines can be read. */
export function Sections({ children }: { readonly children: ReactNode }) {
  return <div className="mx-auto flex w-full max-w-200 flex-col gap-8 px-6 py-6">{children}</div>;
}
