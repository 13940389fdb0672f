import { useId } from "react";
import { useFormats, useStrings } from "../../../app/context.ts";
import { type Day, topOf } from "./day-series.ts";

const width = 720;
const height = 160;
const gapShare = 0.25;
/** The keyboard scrolls the table, in which nothing can be focused. */
const byKeyboard = { tabIndex: 0 } as const;

interface Series {
  readonly title: string;
  /** What a value is called, e.g. "12 hours". */
  readonly unit: (value: string) => string;
  readonly days: readonly Day[];
}

/** A bar for each day, and the same as a table for who would rather read it. */
export function DayChart({ detail, ...series }: Series & { readonly detail: string }) {
  const { manage } = useStrings();
  const formats = useFormats();
  const heading = useId();
  const { title, days } = series;
  const [first] = days;
  const last = days.at(-1);
  return (
    <section aria-labelledby={heading} className="flex flex-col gap-2 rounded-md border p-4">
      <h3 id={heading} className="font-semibold">
        {title}
      </h3>
      <p className="text-muted">{detail}</p>
      <Bars {...series} />
      <div aria-hidden className="flex justify-between pl-16 text-sm text-muted">
        <span>{first === undefined ? "" : formats.day(first.atMs)}</span>
        <span>{last === undefined ? "" : formats.day(last.atMs)}</span>
      </div>
      <details>
        <summary className="w-fit rounded-sm text-muted hover:text-fg">{manage.usage.asTable}</summary>
        <DayTable {...series} />
      </details>
    </section>
  );
}

function Bars({ title, unit, days }: Series) {
  const { manage } = useStrings();
  const formats = useFormats();
  const values = days.map(({ value }) => value);
  const top = topOf(values);
  const total = values.reduce((sum, value) => sum + value, 0);
  const shown = (value: number): string => unit(formats.number(value));
  const step = width / Math.max(1, days.length);
  return (
    <div className="flex gap-2">
      <div aria-hidden className="flex w-14 shrink-0 flex-col justify-between text-right text-sm text-muted tabular-nums">
        <span>{formats.number(top)}</span>
        <span>0</span>
      </div>
      <svg
        role="img"
        aria-label={manage.usage.summary(title, shown(total), shown(Math.max(0, ...values)))}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className="h-40 min-w-0 flex-1 border-b border-line-strong"
      >
        <line x1={0} x2={width} y1={height / 2} y2={height / 2} vectorEffect="non-scaling-stroke" className="stroke-line" />
        {days.map(({ atMs, value }, n) => {
          const bar = (value / top) * height;
          return (
            <rect
              key={atMs}
              x={(n + gapShare / 2) * step}
              y={height - bar}
              width={step * (1 - gapShare)}
              height={bar}
              className="fill-accent"
            >
              <title>{`${formats.day(atMs)}: ${shown(value)}`}</title>
            </rect>
          );
        })}
      </svg>
    </div>
  );
}

function DayTable({ title, unit, days }: Series) {
  const { manage } = useStrings();
  const formats = useFormats();
  return (
    <div {...byKeyboard} className="mt-2 max-h-64 overflow-y-auto rounded-md border">
      <table className="w-full">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr className="border-b text-left text-sm text-muted">
            <th scope="col" className="px-3 py-1 font-normal">
              {manage.usage.day}
            </th>
            <th scope="col" className="px-3 py-1 text-right font-normal">
              {title}
            </th>
          </tr>
        </thead>
        <tbody>
          {days.map(({ atMs, value }) => (
            <tr key={atMs}>
              <th scope="row" className="px-3 py-0.5 text-left font-normal">
                {formats.day(atMs)}
              </th>
              <td className="px-3 py-0.5 text-right tabular-nums">{unit(formats.number(value))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
