import { useId, useRef, useState } from "react";
import { useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/checkbox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import type { EnvironmentRow } from "./environment-row.ts";
import { useActions } from "./row-menu.tsx";

export function RebuildDialog({ row, onClose }: { readonly row: EnvironmentRow; readonly onClose: () => void }) {
  const { environments, shell } = useStrings();
  const words = environments.rebuild;
  const actions = useActions();
  const [noCache, setNoCache] = useState(false);
  const submit = useRef<HTMLButtonElement>(null);
  const id = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.title(row.name)}
      description={words.detail}
      initialFocus={submit}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button
            ref={submit}
            kind="primary"
            onClick={() => {
              onClose();
              void actions.rebuild(row.id, { noCache });
            }}
          >
            {words.submit}
          </Button>
        </>
      }
    >
      <label htmlFor={id} className="flex items-center gap-2">
        <Checkbox id={id} checked={noCache} onToggle={setNoCache} />
        {words.noCache}
      </label>
    </Dialog>
  );
}
