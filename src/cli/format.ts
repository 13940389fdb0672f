import { homedir } from "node:os";

const ellipsis = "…";
const gap = "  ";
const secondsWithTenth = 10;
const kib = 1024;
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** "3.2 s", "42 s", "2 min 05 s", "1 h 02 min". */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < secondsWithTenth - 0.05) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** "0 B", "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const power = bytes < kib ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log(bytes) / Math.log(kib)));
  return `${(bytes / kib ** power).toFixed(power === 0 ? 0 : 1)} ${byteUnits[power]}`;
}

/** An address or folder as people read it: without the scheme, and with ~ for the home folder. */
export function shortSource(source: string, home: string = homedir()): string {
  const folder = source.replace(/^berth-folder:/, "");
  if (folder === home || folder.startsWith(`${home}/`)) return `~${folder.slice(home.length)}`;
  return folder.replace(/^https?:\/\/(?:[^@/]*@)?/, "").replace(/\.git$/, "");
}

export interface Column {
  readonly title: string;
  /** Cells of this column are cut to no less than this when the table is too wide; uncut when missing. */
  readonly minWidth?: number;
  /** Which end of a cell is cut. */
  readonly cut?: "start" | "end";
}

/** Aligned lines, cut to `width`; the last of the columns that may be cut is cut first. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => widthOf(row[i] ?? ""))));
  let excess = widths.reduce((sum, w) => sum + w + gap.length, -gap.length) - width;
  for (let i = columns.length - 1; i >= 0 && excess > 0; i--) {
    const { minWidth } = columns[i] ?? {};
    const now = widths[i] ?? 0;
    if (minWidth === undefined || now <= minWidth) continue;
    const cutBy = Math.min(excess, now - minWidth);
    widths[i] = now - cutBy;
    excess -= cutBy;
  }
  return [columns.map((c) => c.title), ...rows].map((row) =>
    columns
      .map((column, i) => pad(cutTo(row[i] ?? "", widths[i] ?? 0, column.cut ?? "end"), widths[i] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}

/** Aligned "key  value" lines; pairs with an empty value are left out. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string[] {
  const shown = pairs.filter(([, value]) => value !== "");
  const width = Math.max(0, ...shown.map(([key]) => key.length));
  return shown.map(([key, value]) => `${key.padEnd(width)}${gap}${value}`);
}

/** A text of at most `width` characters. */
export function cutTo(text: string, width: number, end: "start" | "end" = "end"): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  if (width <= 1) return ellipsis.slice(0, width);
  return end === "end" ? `${characters.slice(0, width - 1).join("")}${ellipsis}` : `${ellipsis}${characters.slice(1 - width).join("")}`;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

function widthOf(text: string): number {
  return Array.from(text).length;
}

function twoDigits(n: number): string {
  return String(n).padStart(2, "0");
}
