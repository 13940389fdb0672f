import { Clock, Folder, GitBranch, Package } from "lucide-react";
import { useEffect, useState } from "react";
import type { Sample } from "../../../contract/gen/berth/v1/host_pb.js";
import { useApp, useAppState, usePreferences, useStrings } from "../../app/context.ts";
import { shownSource } from "./source.ts";

const maxShown = 6;

/** The folders to begin with that came along with Berth. */
function useSamples(): readonly Sample[] {
  const { clients } = useApp();
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    // Without an answer there are none to offer, and the list above says that Berth does not answer.
    clients.host.getHost({}, { signal: ended.signal }).then(
      (answer) => setSamples(answer.samples),
      () => undefined,
    );
    return () => ended.abort();
  }, [clients]);
  return samples;
}

/** What was used before, of this window and of the environments there are. */
function useRecent(): readonly string[] {
  const { recentSources } = usePreferences();
  const environments = useAppState((state) => state.environments);
  const known = [...environments.values()].map((view) => view.environment.metadata?.originalContextUrl ?? "").filter((url) => url !== "");
  return [...new Set([...recentSources, ...known.toReversed()])].slice(0, maxShown);
}

/** Sources to take with one click. */
export function Suggestions({ onPick, newcomer }: { readonly onPick: (source: string) => void; readonly newcomer: boolean }) {
  const { newEnvironment: words, environments } = useStrings();
  const samples = useSamples();
  const used = useRecent();
  return (
    <div className="grid grid-cols-2 gap-6">
      {!newcomer && used.length > 0 ? (
        <SuggestionList
          title={words.recent}
          icon={Clock}
          items={used.map((url) => ({ source: url, label: shownSource(url), icon: url.startsWith("berth-folder:") ? Folder : GitBranch }))}
          onPick={onPick}
        />
      ) : null}
      {samples.length > 0 ? (
        <SuggestionList
          title={newcomer ? environments.welcome.samples : words.samples}
          icon={Package}
          items={samples.map(({ name, folder }) => ({ source: folder, label: name, icon: Package }))}
          onPick={onPick}
        />
      ) : null}
    </div>
  );
}

function SuggestionList({
  title,
  icon: Icon,
  items,
  onPick,
}: {
  readonly title: string;
  readonly icon: typeof Clock;
  readonly items: readonly { readonly source: string; readonly label: string; readonly icon: typeof Clock }[];
  readonly onPick: (source: string) => void;
}) {
  return (
    <section className="min-w-0">
      <h2 className="mb-1 flex items-center gap-1.5 font-medium text-muted">
        <Icon size={14} aria-hidden />
        {title}
      </h2>
      <ul>
        {items.map(({ source, label, icon: ItemIcon }) => (
          <li key={source}>
            <button
              type="button"
              onClick={() => onPick(source)}
              title={source}
              className="-ml-2 flex h-7 w-full items-center gap-2 rounded-md px-2 text-left hover:bg-hover"
            >
              <ItemIcon size={14} aria-hidden className="shrink-0 text-muted" />
              <span className="truncate">{label}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
