import type { InputHTMLAttributes } from "react";
import { cx } from "./cx.ts";

export interface CheckboxProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "type" | "onChange" | "onToggle"> {
  readonly onToggle: (checked: boolean) => void;
  /** Some but not all of what it stands for. */
  readonly indeterminate?: boolean;
}

export function Checkbox({ onToggle, indeterminate = false, className, ...rest }: CheckboxProps) {
  return (
    <input
      {...rest}
      type="checkbox"
      ref={(element) => {
        if (element !== null) element.indeterminate = indeterminate;
      }}
      onChange={(event) => onToggle(event.target.checked)}
      className={cx("size-3.5 accent-(--accent)", className)}
    />
  );
}
