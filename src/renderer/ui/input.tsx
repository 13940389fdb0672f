import { type InputHTMLAttributes, type ReactNode, type Ref, useId } from "react";
import { cx } from "./cx.ts";

export interface InputProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly ref?: Ref<HTMLInputElement>;
  readonly invalid?: boolean;
}

export function Input({ className, invalid = false, ...rest }: InputProps) {
  return (
    <input
      spellCheck={false}
      autoComplete="off"
      {...rest}
      aria-invalid={invalid || undefined}
      className={cx(
        "h-7 w-full min-w-0 -outline-offset-1 rounded-md border bg-bg px-2 text-base text-fg placeholder:text-muted",
        invalid ? "border-danger" : "border-line-strong",
        className,
      )}
    />
  );
}

/** An input with its name above it and what is wrong, or what it is for, below. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  readonly children: (props: { readonly id: string; readonly "aria-describedby": string; readonly invalid: boolean }) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": `${id}-note`, invalid: error !== undefined })}
      <div id={`${id}-note`} className={cx("text-sm", error === undefined ? "text-muted" : "text-danger")} role={error && "alert"}>
        {error ?? hint}
      </div>
    </div>
  );
}
