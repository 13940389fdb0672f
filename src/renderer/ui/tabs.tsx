import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface TabItem<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly badge?: ReactNode;
}

/** Tabs over one panel, which holds what belongs to the chosen one. */
export function Tabs<Value extends string>({
  label,
  value,
  items,
  onChange,
  children,
}: {
  readonly label: string;
  readonly value: Value;
  readonly items: readonly TabItem<Value>[];
  readonly onChange: (value: Value) => void;
  readonly children: ReactNode;
}) {
  return (
    <Base.Root
      value={value}
      onValueChange={(next) => {
        const item = items.find((candidate) => candidate.value === next);
        if (item !== undefined) onChange(item.value);
      }}
      className="flex min-h-0 flex-1 flex-col"
    >
      <Base.List aria-label={label} activateOnFocus={false} className="flex h-9 shrink-0 gap-4 border-b px-4">
        {items.map((item) => (
          <Base.Tab
            key={item.value}
            value={item.value}
            className="-mb-px flex items-center gap-1.5 border-b-2 border-transparent text-muted hover:text-fg data-active:border-accent data-active:text-fg"
          >
            {item.label}
            {item.badge}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={value} keepMounted={false} className="min-h-0 flex-1 overflow-auto">
        {children}
      </Base.Panel>
    </Base.Root>
  );
}
