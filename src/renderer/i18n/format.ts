import type { Language } from "./strings.ts";

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["week", 7 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** Numbers, sizes and times in the person's language. */
export interface Formats {
  bytes(count: number): string;
  /** "3 hours ago". */
  ago(atMs: number, nowMs: number): string;
  /** "1:05" or "1:02:05": a clock that runs. */
  clock(durationMs: number): string;
  dateTime(atMs: number): string;
  date(atMs: number): string;
  /** A day of UTC. */
  day(atMs: number): string;
  number(value: number): string;
}

export function formatsOf(language: Language): Formats {
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const decimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const utcDay = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return {
    bytes: (count) => {
      const names = ["B", "KB", "MB", "GB", "TB"];
      let value = count;
      let at = 0;
      while (value >= 1024 && at < names.length - 1) {
        value /= 1024;
        at += 1;
      }
      return `${decimal.format(value)} ${names[at]}`;
    },
    ago: (atMs, nowMs) => {
      const passedMs = Math.max(0, nowMs - atMs);
      const unit = units.find(([, ms]) => passedMs >= ms);
      return unit === undefined ? relative.format(0, "second") : relative.format(-Math.floor(passedMs / unit[1]), unit[0]);
    },
    clock: (durationMs) => {
      const seconds = Math.max(0, Math.floor(durationMs / 1000));
      const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const two = (n: number): string => String(n).padStart(2, "0");
      return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    },
    dateTime: (atMs) => date.format(atMs),
    day: (atMs) => utcDay.format(atMs),
    date: (atMs) => day.format(atMs),
    number: (value) => decimal.format(value),
  };
}
