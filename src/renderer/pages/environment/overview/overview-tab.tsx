import type { ReactNode } from "react";
import { useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import type { Question } from "../../../environments/row-menu.tsx";
import type { EnvironmentTab } from "../../../router/routes.ts";
import { ContainerFacts } from "./container-facts.tsx";
import { GitState } from "./git-state.tsx";
import { Notices } from "./notices.tsx";
import { Steps } from "./steps.tsx";
import { SyncedFolders } from "./synced-folders.tsx";
import { UsageGraphs } from "./usage-graphs.tsx";

/** What an environment is and does, at a glance. */
export function OverviewTab({
  row,
  ask,
  goTo,
}: {
  readonly row: EnvironmentRow;
  readonly ask: (question: Question) => void;
  readonly goTo: (tab: EnvironmentTab) => void;
}) {
  const { environment } = useStrings();
  const words = environment.overview;
  const steps = row.view.details?.steps ?? [];
  const running = row.state === "running" || row.state === "recovery" || row.state === "choice";
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-5 p-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-5">
        <Notices row={row} ask={ask} goTo={goTo} />
        {steps.length === 0 ? null : (
          <Part title={row.state === "starting" ? words.starting : words.lastStart}>
            <Steps row={row} steps={steps} />
          </Part>
        )}
        <Part title={words.git}>
          <GitState row={row} />
        </Part>
        <SyncedFolders environmentId={row.id} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        {running ? (
          <Part title={words.usage}>
            <UsageGraphs environmentId={row.id} />
          </Part>
        ) : null}
        <Part title={words.container}>
          <ContainerFacts row={row} />
        </Part>
      </div>
    </div>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-2">
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}
