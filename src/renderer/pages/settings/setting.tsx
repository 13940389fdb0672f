import { type ReactNode, useId } from "react";
import { Checkbox } from "../../ui/checkbox.tsx";
import { Select, type SelectOption } from "../../ui/select.tsx";

/** Settings of one section, one below the other. */
export function SettingList({ children }: { readonly children: ReactNode }) {
  return <div className="divide-y rounded-md border">{children}</div>;
}

/** What is set, and the control that sets it. */
export function Setting({ label, hint, children }: { readonly label: string; readonly hint?: ReactNode; readonly children: ReactNode }) {
  return (
    <div className="flex min-h-11 items-center gap-4 px-3 py-2">
      <div className="min-w-0 flex-1">
        <p>{label}</p>
        {hint === undefined ? null : <p className="text-sm text-muted">{hint}</p>}
      </div>
      {children}
    </div>
  );
}

export function SelectSetting<Value extends string>({
  label,
  hint,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly value: Value;
  readonly options: readonly SelectOption<Value>[];
  readonly onChange: (value: Value) => void;
}) {
  return (
    <Setting label={label} hint={hint}>
      <Select label={label} value={value} options={options} onChange={onChange} className="w-52" />
    </Setting>
  );
}

export function CheckSetting({
  label,
  checked,
  onChange,
}: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <label htmlFor={id} className="flex min-h-11 items-center gap-4 px-3 py-2">
      <span className="min-w-0 flex-1">{label}</span>
      <Checkbox id={id} checked={checked} onToggle={onChange} />
    </label>
  );
}

/** Options in the order of their names' table. */
export function optionsOf<const Value extends string>(
  labels: Readonly<Record<NoInfer<Value>, string>>,
  order: readonly Value[],
): SelectOption<Value>[] {
  return order.map((value) => ({ value, label: labels[value] }));
}
