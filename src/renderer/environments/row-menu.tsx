import { Code, Copy, Ellipsis, Pencil, Play, RefreshCw, RotateCw, Square, Trash2 } from "lucide-react";
import { useMemo } from "react";
import type { Editor } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { type EnvironmentAction, whyEnvironmentCannot } from "../../contract/environment-can.ts";
import { useApp, useCopy, useStrings } from "../app/context.ts";
import { IconButton } from "../ui/button.tsx";
import { Menu, type MenuEntry } from "../ui/menu.tsx";
import { EnvironmentActions } from "./actions.ts";
import type { EnvironmentRow } from "./environment-row.ts";

/** A question that must be answered before something is done. */
export type Question =
  | { readonly kind: "rename" | "rebuild" | "choice"; readonly row: EnvironmentRow }
  | { readonly kind: "delete"; readonly rows: readonly EnvironmentRow[] };

export function useActions(): EnvironmentActions {
  const { clients, toasts, store } = useApp();
  return useMemo(() => new EnvironmentActions({ clients, toasts, store }), [clients, toasts, store]);
}

/** The reason why an action cannot be done, in the person's language. */
export function useWhyNot(): (action: EnvironmentAction, row: EnvironmentRow) => string | undefined {
  const { environments } = useStrings();
  return (action, row) => {
    const reason = whyEnvironmentCannot(action, row.view.environment);
    return reason === undefined ? undefined : environments.whyNot[reason];
  };
}

/** Everything that can be done with one environment. */
export function RowMenu({
  row,
  editors,
  ask,
  shortcuts = true,
}: {
  readonly row: EnvironmentRow;
  readonly editors: readonly Editor[];
  readonly ask: (question: Question) => void;
  /** Whether the list's keys are told. */
  readonly shortcuts?: boolean;
}) {
  const { environments } = useStrings();
  const actions = useActions();
  const whyNot = useWhyNot();
  const copy = useCopy();
  const words = environments.actions;
  const entry = (action: EnvironmentAction, label: string, rest: Omit<MenuEntry, "id" | "label" | "disabledReason">): MenuEntry => ({
    id: action,
    label,
    disabledReason: whyNot(action, row),
    ...rest,
  });
  const key = (shortcut: string): { shortcut: string } | object => (shortcuts ? { shortcut } : {});
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={environments.moreActions(row.name)} />}
      groups={[
        {
          entries: [
            ...(row.state === "choice"
              ? [{ id: "choice", label: words.choose, icon: Code, onSelect: () => ask({ kind: "choice", row }) }]
              : []),
            entry("start", words.start, { icon: Play, ...key("s"), onSelect: () => void actions.start([row.id]) }),
            entry("stop", words.stop, { icon: Square, ...key("s"), onSelect: () => void actions.stop([row.id]) }),
            entry("restart", words.restart, { icon: RotateCw, onSelect: () => void actions.restart(row.id) }),
            entry("rebuild", words.rebuild, { icon: RefreshCw, onSelect: () => ask({ kind: "rebuild", row }) }),
          ],
        },
        {
          label: words.openInHeading,
          entries: editors.map((editor, index) => ({
            ...entry("open-editor", editor.name, {
              ...(index === 0 ? key("e") : {}),
              onSelect: () => void actions.openEditor(row.id, editor),
            }),
            id: editor.id,
          })),
        },
        {
          entries: [
            entry("connect-ssh", words.copySsh, {
              icon: Copy,
              ...key("c"),
              onSelect: () => copy(row.view.details?.sshCommand ?? ""),
            }),
            entry("rename", words.rename, { icon: Pencil, ...key("F2"), onSelect: () => ask({ kind: "rename", row }) }),
            entry("delete", words.delete, {
              icon: Trash2,
              danger: true,
              ...key("Delete"),
              onSelect: () => ask({ kind: "delete", rows: [row] }),
            }),
          ],
        },
      ]}
    />
  );
}
