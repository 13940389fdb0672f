import { Box, Code, Play, Square } from "lucide-react";
import { lazy, type ReactNode, Suspense, useCallback, useMemo, useState } from "react";
import { useApp, useAppState, useCommands, useCopy, useEnvironment, usePreferences, useStrings } from "../../app/context.ts";
import { type EnvironmentRow, rowOf } from "../../environments/environment-row.ts";
import { Questions } from "../../environments/questions.tsx";
import { type Question, RowMenu, useActions, useWhyNot } from "../../environments/row-menu.tsx";
import { StateLabel } from "../../environments/state-label.tsx";
import { useEditors } from "../../environments/use-editors.ts";
import { type EnvironmentTab, environmentTabs } from "../../router/routes.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { EmptyState, Skeleton } from "../../ui/states.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { LogsTab } from "./logs/logs-tab.tsx";
import { OverviewTab } from "./overview/overview-tab.tsx";
import { PortsTab } from "./ports/ports-tab.tsx";
import { SettingsTab } from "./settings/settings-tab.tsx";

// The terminal's libraries are as large as everything else; who only looks at a list need not wait for them.
const TerminalTab = lazy(async () => ({ default: (await import("./terminal/terminal-tab.tsx")).TerminalTab }));

/** One environment: what it does, its terminals, logs, ports and settings. */
export function EnvironmentPage({ id, tab }: { readonly id: string; readonly tab: EnvironmentTab }) {
  const { environment: words, shell } = useStrings();
  const { router } = useApp();
  const view = useEnvironment(id);
  const known = useAppState((state) => state.known);
  const row = useMemo(() => (view === undefined ? undefined : rowOf(view)), [view]);
  if (row !== undefined) return <Known row={row} tab={tab} />;
  if (!known)
    return (
      <Page title={words.title}>
        <Skeleton className="m-4 h-24" />
      </Page>
    );
  return (
    <Page title={words.title}>
      <EmptyState
        icon={Box}
        title={words.goneTitle}
        actions={<Button onClick={() => router.go({ page: "environments" })}>{shell.toEnvironments}</Button>}
      >
        {words.goneDetail}
      </EmptyState>
    </Page>
  );
}

function Known({ row, tab }: { readonly row: EnvironmentRow; readonly tab: EnvironmentTab }) {
  const { environment: words } = useStrings();
  const { router } = useApp();
  const [question, setQuestion] = useState<Question | undefined>();
  const ask = useCallback((next: Question) => setQuestion(next), []);
  const goTo = useCallback((next: EnvironmentTab) => router.go({ page: "environment", id: row.id, tab: next }), [router, row.id]);
  usePageCommands(row, ask, goTo);
  const openPorts = row.ports.length;
  return (
    <Page title={row.name} scroll={false} actions={<PageActions row={row} ask={ask} />}>
      <Tabs
        label={words.tabsLabel(row.name)}
        value={tab}
        items={environmentTabs.map((value) => ({
          value,
          label: words.tabs[value],
          ...(value === "ports" && openPorts > 0 ? { badge: <Badge>{openPorts}</Badge> } : {}),
        }))}
        onChange={goTo}
      >
        <TabContent row={row} tab={tab} ask={ask} goTo={goTo} />
      </Tabs>
      <Questions question={question} onClose={() => setQuestion(undefined)} onDeleted={() => router.go({ page: "environments" })} />
    </Page>
  );
}

function TabContent({
  row,
  tab,
  ask,
  goTo,
}: {
  readonly row: EnvironmentRow;
  readonly tab: EnvironmentTab;
  readonly ask: (question: Question) => void;
  readonly goTo: (tab: EnvironmentTab) => void;
}): ReactNode {
  switch (tab) {
    case "overview":
      return <OverviewTab row={row} ask={ask} goTo={goTo} />;
    case "terminal":
      return (
        <Suspense fallback={<Skeleton className="m-4 h-40" />}>
          <TerminalTab row={row} />
        </Suspense>
      );
    case "logs":
      return <LogsTab row={row} />;
    case "ports":
      return <PortsTab row={row} />;
    case "settings":
      return <SettingsTab row={row} ask={ask} />;
  }
}

function PageActions({ row, ask }: { readonly row: EnvironmentRow; readonly ask: (question: Question) => void }) {
  const { environments } = useStrings();
  const { defaultEditor } = usePreferences();
  const editors = useEditors(defaultEditor);
  const actions = useActions();
  const whyNot = useWhyNot();
  const [editor] = editors;
  const cannotStart = whyNot("start", row);
  return (
    <>
      <StateLabel row={row} />
      {cannotStart === undefined ? (
        <Button icon={Play} onClick={() => void actions.start([row.id])}>
          {environments.actions.start}
        </Button>
      ) : (
        <Button icon={Square} disabledReason={whyNot("stop", row)} onClick={() => void actions.stop([row.id])}>
          {environments.actions.stop}
        </Button>
      )}
      {editor === undefined ? null : (
        <Button
          kind="primary"
          icon={Code}
          disabledReason={whyNot("open-editor", row)}
          onClick={() => void actions.openEditor(row.id, editor)}
        >
          {environments.actions.openIn(editor.name)}
        </Button>
      )}
      <RowMenu row={row} editors={editors} ask={ask} shortcuts={false} />
    </>
  );
}

function usePageCommands(row: EnvironmentRow, ask: (question: Question) => void, goTo: (tab: EnvironmentTab) => void): void {
  const { environment: words, environments } = useStrings();
  const actions = useActions();
  const whyNot = useWhyNot();
  const copy = useCopy();
  useCommands([
    ...environmentTabs.map((tab, index) => ({
      id: `environment.tab.${tab}`,
      title: words.tabs[tab],
      section: words.title,
      shortcut: String(index + 1),
      run: () => goTo(tab),
    })),
    {
      id: "environment.start",
      title: environments.actions.start,
      section: words.title,
      disabledReason: whyNot("start", row),
      run: () => void actions.start([row.id]),
    },
    {
      id: "environment.stop",
      title: environments.actions.stop,
      section: words.title,
      disabledReason: whyNot("stop", row),
      run: () => void actions.stop([row.id]),
    },
    {
      id: "environment.rebuild",
      title: environments.actions.rebuild,
      section: words.title,
      disabledReason: whyNot("rebuild", row),
      run: () => ask({ kind: "rebuild", row }),
    },
    {
      id: "environment.copy-ssh",
      title: environments.actions.copySsh,
      section: words.title,
      disabledReason: whyNot("connect-ssh", row),
      run: () => copy(row.view.details?.sshCommand ?? ""),
    },
    {
      id: "environment.rename",
      title: environments.actions.rename,
      section: words.title,
      shortcut: "F2",
      run: () => ask({ kind: "rename", row }),
    },
  ]);
}
