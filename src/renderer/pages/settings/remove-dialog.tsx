import { useRef } from "react";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";

/** Asks before something that was kept is removed. */
export function RemoveDialog({
  title,
  detail,
  submit,
  onClose,
  onConfirm,
}: {
  readonly title: string;
  readonly detail: string;
  /** What is done; to remove it unless told otherwise. */
  readonly submit?: string;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}) {
  const { settings, shell } = useStrings();
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={detail}
      initialFocus={cancel}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            {shell.cancel}
          </Button>
          <Button
            kind="danger"
            onClick={() => {
              onClose();
              onConfirm();
            }}
          >
            {submit ?? settings.remove}
          </Button>
        </>
      }
    />
  );
}
