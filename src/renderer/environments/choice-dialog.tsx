import { useId, useState } from "react";
import { useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import type { EnvironmentRow } from "./environment-row.ts";
import { useActions } from "./row-menu.tsx";

/** Of several dev container configurations, the one to use. */
export function ChoiceDialog({ row, onClose }: { readonly row: EnvironmentRow; readonly onClose: () => void }) {
  const { environments, shell } = useStrings();
  const words = environments.choice;
  const actions = useActions();
  const paths = row.view.details?.devcontainerFilePaths ?? [];
  const [chosen, setChosen] = useState(paths[0] ?? "");
  const name = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.title(row.name)}
      description={words.detail}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button
            kind="primary"
            onClick={() => {
              onClose();
              void actions.rebuild(row.id, { devcontainerFilePath: chosen });
            }}
          >
            {words.submit}
          </Button>
        </>
      }
    >
      <fieldset className="divide-y rounded-md border">
        <legend className="sr-only">{words.title(row.name)}</legend>
        {paths.map((path) => (
          <label key={path} className="flex h-9 items-center gap-2 px-3 font-mono text-sm hover:bg-hover">
            <input type="radio" name={name} checked={path === chosen} onChange={() => setChosen(path)} className="accent-(--accent)" />
            {path}
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}
