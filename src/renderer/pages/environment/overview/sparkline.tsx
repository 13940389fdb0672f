const width = 240;
const height = 36;
/** A graph that uses little of what there is still shows how it moves. */
const minShare = 0.1;

/** The last values as a line, newest at the right. The scale grows to the highest of them, at most to `max`. */
export function Sparkline({
  values,
  max,
  slots,
  label,
}: {
  readonly values: readonly number[];
  readonly max: number;
  readonly slots: number;
  readonly label: string;
}) {
  const top = Math.min(max, Math.max(max * minShare, ...values.map((value) => value * 1.2))) || 1;
  const x = (index: number): number => width - ((values.length - 1 - index) * width) / (slots - 1);
  const y = (value: number): number => height - 1 - (Math.min(value, top) / top) * (height - 2);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  const first = x(0).toFixed(1);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      className="h-9 w-full rounded-sm bg-sunken"
    >
      {points.length < 2 ? null : (
        <>
          <polygon points={`${first},${height} ${points.join(" ")} ${width},${height}`} className="fill-accent-soft" />
          <polyline points={points.join(" ")} vectorEffect="non-scaling-stroke" className="fill-none stroke-accent" strokeWidth={1.5} />
        </>
      )}
    </svg>
  );
}
