import { useRef } from "react";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";

/** Asks before something that stops environments, and names them. */
export function ConfirmDialog({
  words,
  names,
  onClose,
  onConfirm,
}: {
  readonly words: { readonly title: string; readonly detail: string; readonly submit: string };
  readonly names: readonly string[];
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}) {
  const { shell } = useStrings();
  const submit = useRef<HTMLButtonElement>(null);
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.title}
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
              onConfirm();
            }}
          >
            {words.submit}
          </Button>
        </>
      }
    >
      <ul className="max-h-48 overflow-y-auto rounded-md border bg-sunken px-3 py-2">
        {names.map((name) => (
          <li key={name} className="truncate">
            {name}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
