import { useRef } from "react";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";

/** Asks before something that was kept is removed. */
export function RemoveDialog({
  title,
  detail,
  onClose,
  onConfirm,
}: {
  readonly title: string;
  readonly detail: string;
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
            {settings.remove}
          </Button>
        </>
      }
    />
  );
}
