import { Meter as Base } from "@base-ui/react/meter";
import { cx } from "./cx.ts";

const tones = { accent: "bg-accent", warn: "bg-warn", danger: "bg-danger" } as const;

/** How much of something is used. `shown` says it in words. */
export function Meter({
  label,
  value,
  max,
  shown,
  tone = "accent",
}: {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly shown: string;
  readonly tone?: keyof typeof tones;
}) {
  return (
    <Base.Root value={Math.min(value, max)} max={max === 0 ? 1 : max} getAriaValueText={() => shown} className="flex flex-col gap-1">
      <div className="flex justify-between gap-4">
        <Base.Label>{label}</Base.Label>
        <span className="text-muted tabular-nums">{shown}</span>
      </div>
      <Base.Track className="h-1.5 overflow-hidden rounded-full bg-hover">
        <Base.Indicator className={cx("rounded-full", tones[tone])} />
      </Base.Track>
    </Base.Root>
  );
}
