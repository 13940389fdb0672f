import { ArrowUp, FileDiff, Folder, GitBranch } from "lucide-react";
import { useFormats, useStrings } from "../app/context.ts";
import type { EnvironmentRow } from "./environment-row.ts";

const maxShownPorts = 2;

/** Work that is nowhere else: changed files and commits that were not pushed. */
export function Work({ row }: { readonly row: Pick<EnvironmentRow, "changed" | "unpushed"> }) {
  const { environments } = useStrings();
  const parts = [
    { count: row.changed, icon: FileDiff, text: environments.changed(row.changed) },
    { count: row.unpushed, icon: ArrowUp, text: environments.unpushed(row.unpushed) },
  ];
  return (
    <span className="flex gap-2.5 text-warn">
      {parts.map(({ count, icon: Icon, text }) =>
        count === 0 ? null : (
          <span key={text} title={text} className="flex items-center gap-0.5 tabular-nums">
            <Icon size={13} aria-hidden />
            <span aria-hidden>{count}</span>
            <span className="sr-only">{text}</span>
          </span>
        ),
      )}
    </span>
  );
}

export function Ports({ row }: { readonly row: Pick<EnvironmentRow, "ports"> }) {
  const { environments } = useStrings();
  const more = row.ports.length - maxShownPorts;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {row.ports.slice(0, maxShownPorts).map(({ port, url, name }) => (
        <a
          key={url}
          href={url}
          target="_blank"
          rel="noreferrer"
          aria-label={environments.openPort(port, name)}
          title={environments.openPort(port, name)}
          className="rounded-sm bg-accent-soft px-1.5 text-sm leading-5 text-accent tabular-nums hover:underline"
        >
          {port}
        </a>
      ))}
      {more > 0 ? (
        <span className="text-sm text-muted" title={environments.morePorts(more)}>
          +{more}
        </span>
      ) : null}
    </span>
  );
}

export function Branch({ row }: { readonly row: Pick<EnvironmentRow, "branch"> }) {
  if (row.branch === "") return null;
  return (
    <span className="flex min-w-0 items-center gap-1 text-muted" title={row.branch}>
      <GitBranch size={13} aria-hidden className="shrink-0" />
      <span className="truncate">{row.branch}</span>
    </span>
  );
}

export function Project({ row }: { readonly row: Pick<EnvironmentRow, "project" | "isFolder"> }) {
  return (
    <span className="flex min-w-0 items-center gap-1 text-sm text-muted" title={row.project}>
      {row.isFolder ? <Folder size={12} aria-hidden className="shrink-0" /> : null}
      <span className="truncate">{row.project}</span>
    </span>
  );
}

export function Age({ row, nowMs }: { readonly row: Pick<EnvironmentRow, "createdMs">; readonly nowMs: number }) {
  const formats = useFormats();
  if (row.createdMs === 0) return null;
  return (
    <time dateTime={new Date(row.createdMs).toISOString()} title={formats.dateTime(row.createdMs)} className="text-muted">
      {formats.ago(row.createdMs, nowMs)}
    </time>
  );
}
