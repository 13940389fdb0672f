import type { ReactNode } from "react";
import { cx } from "./cx.ts";

const tones = {
  neutral: "bg-hover text-muted",
  accent: "bg-accent-soft text-accent",
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  danger: "bg-danger-soft text-danger",
} as const;

export type Tone = keyof typeof tones;

/** A word or a number that stands out a little. */
export function Badge({
  tone = "neutral",
  children,
  className,
}: {
  readonly tone?: Tone;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  return (
    <span
      className={cx("inline-flex h-5 items-center gap-1 rounded-sm px-1.5 text-sm font-medium whitespace-nowrap", tones[tone], className)}
    >
      {children}
    </span>
  );
}

const dots = { neutral: "bg-line-strong", accent: "bg-accent", ok: "bg-ok", warn: "bg-warn", danger: "bg-danger" } as const;

/** A state at a glance. Its word always stands beside it: colour alone says nothing to some. */
export function Dot({ tone, busy = false }: { readonly tone: Tone; readonly busy?: boolean }) {
  return <span aria-hidden className={cx("inline-block size-2 shrink-0 rounded-full", dots[tone], busy && "animate-pulse")} />;
}
