import { Select as Base } from "@base-ui/react/select";
import { Check, ChevronDown } from "lucide-react";
import { cx } from "./cx.ts";

export interface SelectOption<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

/** One of a few. `label` names it for those who do not see what it stands beside. */
export function Select<Value extends string>({
  label,
  value,
  options,
  onChange,
  className,
  id,
}: {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly SelectOption<Value>[];
  readonly onChange: (value: Value) => void;
  readonly className?: string;
  readonly id?: string;
}) {
  return (
    <Base.Root<Value> items={options} value={value} onValueChange={(next) => next !== null && onChange(next)}>
      <Base.Trigger
        aria-label={label}
        {...(id === undefined ? {} : { id })}
        className={cx(
          "inline-flex h-7 items-center gap-1.5 rounded-md border bg-raised pr-1.5 pl-2.5 text-base whitespace-nowrap hover:bg-hover",
          className,
        )}
      >
        <Base.Value className="flex-1 truncate text-left" />
        <Base.Icon>
          <ChevronDown size={14} aria-hidden className="text-muted" />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50">
          <Base.Popup className="max-h-80 min-w-(--anchor-width) overflow-y-auto rounded-md border bg-raised p-1 shadow-overlay">
            {options.map((option) => (
              <Base.Item
                key={option.value}
                value={option.value}
                className="flex h-7 items-center gap-2 rounded-sm pr-3 pl-2 data-highlighted:bg-hover"
              >
                <span className="w-3.5">
                  <Base.ItemIndicator>
                    <Check size={14} aria-hidden />
                  </Base.ItemIndicator>
                </span>
                <Base.ItemText>{option.label}</Base.ItemText>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
