import { Plus, SearchX } from "lucide-react";
import { type RefObject, useCallback, useRef, useState } from "react";
import type { Editor } from "../../../contract/gen/gitpod/v1/editor_pb.js";
import { useApp, useCommands, useCopy, useNow, usePreferences, useStrings } from "../../app/context.ts";
import { Questions } from "../../environments/questions.tsx";
import { type Question, useActions } from "../../environments/row-menu.tsx";
import { useEditors } from "../../environments/use-editors.ts";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { EmptyState, Skeleton } from "../../ui/states.tsx";
import { listCommands, type ListHands } from "./list-commands.ts";
import { RemoteEnvironments } from "../../planes/remote-environments.tsx";
import { type Finding, SelectionBar, Toolbar } from "./toolbar.tsx";
import { type ListPosition, useListPosition } from "./use-list-position.ts";
import { useRows } from "./use-rows.ts";
import { VirtualList } from "./virtual-list.tsx";
import { Welcome } from "./welcome.tsx";

const ageTickMs = 30_000;
const findAll: Finding = { search: "", filter: "all" };

/** All environments: found, arranged, picked, and put to work. */
export function EnvironmentsPage() {
  const strings = useStrings();
  const { environments: words, shell } = strings;
  const { router } = useApp();
  const { layout, defaultEditor } = usePreferences();
  const [finding, setFinding] = useState<Finding>(findAll);
  const [question, setQuestion] = useState<Question | undefined>();
  const rows = useRows(finding);
  const position = useListPosition(rows.shown);
  const searchBox = useRef<HTMLInputElement>(null);
  const editors = useEditors(defaultEditor);
  const nowMs = useNow(ageTickMs);
  const ask = useCallback((next: Question) => setQuestion(next), []);
  const hands = useHands({ position, editors, ask, searchBox });
  useCommands(listCommands(strings, position.current, hands));
  if (!rows.loading && rows.all.length === 0) return <Welcome editors={editors} />;
  return (
    <Page
      title={words.title}
      scroll={false}
      actions={
        <Button kind="primary" icon={Plus} onClick={() => router.go({ page: "new", source: "" })}>
          {shell.newEnvironment}
        </Button>
      }
    >
      {position.selectedRows.length > 0 ? (
        <SelectionBar rows={position.selectedRows} onClear={position.hands.clear} ask={ask} />
      ) : (
        <Toolbar
          finding={finding}
          onFind={setFinding}
          searchBox={searchBox}
          onLeaveSearch={() => position.hands.move("first")}
          shown={rows.shown.length}
          all={rows.all.length}
        />
      )}
      {rows.loading ? (
        <LoadingRows />
      ) : rows.shown.length === 0 ? (
        <EmptyState
          icon={SearchX}
          title={words.nothingFound}
          actions={<Button onClick={() => setFinding(findAll)}>{words.clearSearch}</Button>}
        >
          {words.nothingFoundDetail}
        </EmptyState>
      ) : (
        <VirtualList
          groups={rows.groups}
          layout={layout}
          currentId={position.current?.id}
          selectedIds={position.selectedIds}
          moves={position.moves}
          perLine={position.perLine}
          nowMs={nowMs}
          editors={editors}
          ask={ask}
          onSelect={position.select}
          onPoint={position.point}
          onSelectAll={position.selectAll}
        />
      )}
      <RemoteEnvironments search={finding.search} editors={editors} className="max-h-[45%] shrink-0 overflow-y-auto border-t" />
      <Questions question={question} onClose={() => setQuestion(undefined)} onDeleted={position.hands.clear} />
    </Page>
  );
}

/** What the list's keys do. */
function useHands({
  position,
  editors,
  ask,
  searchBox,
}: {
  readonly position: ListPosition;
  readonly editors: readonly Editor[];
  readonly ask: (question: Question) => void;
  readonly searchBox: RefObject<HTMLInputElement | null>;
}): ListHands {
  const { router, preferences } = useApp();
  const { layout } = usePreferences();
  const actions = useActions();
  const copy = useCopy();
  return {
    ...position.hands,
    search: () => searchBox.current?.focus(),
    switchLayout: () => preferences.setState({ layout: layout === "list" ? "cards" : "list" }),
    open: (row) => router.go({ page: "environment", id: row.id, tab: "overview" }),
    start: (row) => void actions.start([row.id]),
    stop: (row) => void actions.stop([row.id]),
    rename: (row) => ask({ kind: "rename", row }),
    delete: (row) => ask({ kind: "delete", rows: [row] }),
    copySsh: (row) => copy(row.view.details?.sshCommand ?? ""),
    openEditor: (row) => {
      const editor = editors[0];
      if (editor !== undefined) void actions.openEditor(row.id, editor);
    },
  };
}

function LoadingRows() {
  return (
    <div className="flex flex-col gap-3 p-4">
      {Array.from({ length: 6 }, (_, n) => (
        <Skeleton key={n} className="h-9 w-full" />
      ))}
    </div>
  );
}
