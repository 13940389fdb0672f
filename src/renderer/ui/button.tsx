import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { cx } from "./cx.ts";
import { Tooltip } from "./tooltip.tsx";

const kinds = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  secondary: "bg-raised text-fg hover:bg-hover border-line",
  quiet: "bg-transparent text-fg hover:bg-hover border-transparent",
  danger: "bg-danger text-bg hover:bg-danger-hover border-transparent",
} as const;

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  readonly kind?: keyof typeof kinds;
  readonly icon?: LucideIcon | undefined;
  /** Why it cannot be pressed now. It stays reachable, so that everybody can read the reason. */
  readonly disabledReason?: string | undefined;
  readonly children: ReactNode;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = "secondary", icon: Icon, disabledReason, className, children, onClick, ...rest }: ButtonProps) {
  const off = disabledReason !== undefined;
  const button = (
    <button
      type="button"
      {...rest}
      aria-disabled={off || undefined}
      onClick={off ? (event) => event.preventDefault() : onClick}
      className={cx(
        "inline-flex h-7 shrink-0 items-center justify-center gap-1.5 rounded-md border px-2.5 text-base font-medium whitespace-nowrap select-none",
        kinds[kind],
        off && "cursor-not-allowed opacity-50",
        className,
      )}
    >
      {Icon === undefined ? null : <Icon size={14} aria-hidden />}
      {children}
    </button>
  );
  return off ? <Tooltip text={disabledReason}>{button}</Tooltip> : button;
}

export interface IconButtonProps extends Omit<ButtonProps, "children" | "icon"> {
  readonly icon: LucideIcon;
  /** What it does; shown beside it and read aloud. */
  readonly label: string;
}

export function IconButton({ icon: Icon, label, kind = "quiet", disabledReason, className, onClick, ...rest }: IconButtonProps) {
  const off = disabledReason !== undefined;
  return (
    <Tooltip text={off ? `${label}: ${disabledReason}` : label}>
      <button
        type="button"
        {...rest}
        aria-label={label}
        aria-disabled={off || undefined}
        onClick={off ? (event) => event.preventDefault() : onClick}
        className={cx(
          "inline-flex size-7 shrink-0 items-center justify-center rounded-md border",
          kinds[kind],
          off && "cursor-not-allowed opacity-50",
          className,
        )}
      >
        <Icon size={15} aria-hidden />
      </button>
    </Tooltip>
  );
}
