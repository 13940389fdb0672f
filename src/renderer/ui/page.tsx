import { type ReactNode, useEffect, useRef } from "react";

/**
 * The frame of a screen: its title and what can be done, above what it shows. Names the window after itself, and
 * takes the focus to its heading so that a screen reader says where one has come to.
 */
export function Page({
  title,
  actions,
  children,
  scroll = true,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** False for screens that scroll in parts of their own. */
  readonly scroll?: boolean;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Berth`;
  }, [title]);
  useEffect(() => {
    if (document.activeElement === null || document.activeElement === document.body) heading.current?.focus();
  }, []);
  return (
    <div className="flex h-full min-w-0 flex-col">
      <header className="flex h-12 shrink-0 items-center gap-3 border-b px-4">
        <h1 ref={heading} tabIndex={-1} className="min-w-0 flex-1 truncate text-lg font-semibold outline-none">
          {title}
        </h1>
        {actions}
      </header>
      <div className={scroll ? "min-h-0 flex-1 overflow-y-auto" : "flex min-h-0 flex-1 flex-col"}>{children}</div>
    </div>
  );
}
