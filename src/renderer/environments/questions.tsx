import { useStrings } from "../app/context.ts";
import { ChoiceDialog } from "./choice-dialog.tsx";
import { DeleteDialog } from "./delete-dialog.tsx";
import { RebuildDialog } from "./rebuild-dialog.tsx";
import { RenameDialog } from "./rename-dialog.tsx";
import { type Question, useActions } from "./row-menu.tsx";

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
  const { environments } = useStrings();
  const actions = useActions();
  if (question === undefined) return null;
  switch (question.kind) {
    case "rename": {
      const { id, name } = question.row;
      const rename = async (newName: string): Promise<void> => actions.rename(id, newName);
      return <RenameDialog name={name} hint={environments.rename.hint} rename={rename} onClose={onClose} />;
    }
    case "rebuild":
      return <RebuildDialog row={question.row} onClose={onClose} />;
    case "choice":
      return <ChoiceDialog row={question.row} onClose={onClose} />;
    case "delete":
      return <DeleteDialog rows={question.rows} onClose={onClose} onDeleted={onDeleted} />;
  }
}
