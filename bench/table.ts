import type { Result } from "./statistics.ts";

const titles = ["benchmark", "ours", "baseline", "ratio", "limit", "runs", "verdict"] as const;

/** The results as a Markdown table, which is as readable in a terminal as in docs/PERFORMANCE.md. */
export function formatTable(results: readonly Result[]): string {
  const rows = results.map((r) => [
    r.name,
    `${formatValue(r.ours)} ${r.unit}`,
    `${formatValue(r.baseline)} ${r.unit}`,
    r.ratio.toFixed(2),
    r.limit === undefined ? "" : `≤ ${r.limit}`,
    String(r.runs),
    verdict(r),
  ]);
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function verdict(result: Result): string {
  if (result.limit === undefined) return "";
  return result.ratio <= result.limit ? "holds" : "missed";
}

function formatValue(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
