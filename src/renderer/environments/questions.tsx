import { ChoiceDialog } from "./choice-dialog.tsx";
import { DeleteDialog } from "./delete-dialog.tsx";
import { RebuildDialog } from "./rebuild-dialog.tsx";
import { RenameDialog } from "./rename-dialog.tsx";
import type { Question } from "./row-menu.tsx";

/** The dialog of a question; a screen that shows RowMenu shows this too. */
export function Questions({
  question,
  onClose,
  onDeleted = () => undefined,
}: {
  readonly question: Question | undefined;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}) {
  if (question === undefined) return null;
  switch (question.kind) {
    case "rename":
      return <RenameDialog row={question.row} onClose={onClose} />;
    case "rebuild":
      return <RebuildDialog row={question.row} onClose={onClose} />;
    case "choice":
      return <ChoiceDialog row={question.row} onClose={onClose} />;
    case "delete":
      return <DeleteDialog rows={question.rows} onClose={onClose} onDeleted={onDeleted} />;
  }
}
