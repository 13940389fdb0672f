import { Slider as Base } from "@base-ui/react/slider";
import type { ReactNode } from "react";

/** A number within bounds. `shown` says it in words, beside it and to those who do not see it. */
export function Slider({
  label,
  value,
  min,
  max,
  step,
  shown,
  note,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly shown: (value: number) => string;
  readonly note?: ReactNode;
  readonly onChange: (value: number) => void;
}) {
  return (
    <Base.Root<number> value={value} min={min} max={max} step={step} onValueChange={onChange} className="flex flex-col gap-1">
      <div className="flex justify-between gap-4">
        <Base.Label className="font-medium">{label}</Base.Label>
        <span className="tabular-nums">{shown(value)}</span>
      </div>
      <Base.Control className="flex h-5 items-center">
        <Base.Track className="h-1.5 w-full rounded-full bg-hover">
          <Base.Indicator className="rounded-full bg-accent" />
          <Base.Thumb
            getAriaLabel={() => label}
            getAriaValueText={(_text, at) => shown(at)}
            className="size-3.5 rounded-full border-2 border-accent bg-raised has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-accent"
          />
        </Base.Track>
      </Base.Control>
      <div className="flex justify-between gap-4 text-sm text-muted">
        <span>{shown(min)}</span>
        {note === undefined ? null : <span>{note}</span>}
        <span>{shown(max)}</span>
      </div>
    </Base.Root>
  );
}
