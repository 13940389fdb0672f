import { useRef, useState } from "react";
import { useStrings } from "../../../app/context.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Field, Input } from "../../../ui/input.tsx";

const maxNameLength = 60;

/** Asks for a name; an empty one takes a name back. */
export function NameDialog({
  title,
  label,
  hint,
  value,
  onSubmit,
  onClose,
}: {
  readonly title: string;
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  readonly onSubmit: (name: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { shell, environment } = useStrings();
  const [name, setName] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const submit = (): void => {
    onClose();
    void onSubmit(name.trim());
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" onClick={submit}>
            {environment.save}
          </Button>
        </>
      }
    >
      <Field label={label} hint={hint}>
        {(props) => (
          <Input
            {...props}
            ref={input}
            value={name}
            maxLength={maxNameLength}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              // The button that opened this gets the keyboard back, and would take the key as a press.
              event.preventDefault();
              submit();
            }}
          />
        )}
      </Field>
    </Dialog>
  );
}
