import { useRef, useState } from "react";
import { useApp, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { SecretInput } from "./secret-input.tsx";

const maxValueBytes = 10_240;
/** The API's own rule, and that of shells for the first letter. */
const namePattern = /^[A-Za-z_][0-9A-Za-z_]{2,126}$/;

/** A new secret, or a new value for one that is there; the old value is never shown. */
export function SecretDialog({
  name: fixedName,
  taken,
  onSave,
  onClose,
}: {
  readonly name: string | undefined;
  readonly taken: readonly string[];
  readonly onSave: (name: string, value: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { toasts } = useApp();
  const { settings, shell } = useStrings();
  const words = settings.secrets;
  const [typed, setTyped] = useState("");
  const [value, setValue] = useState("");
  const first = useRef<HTMLInputElement>(null);
  const name = fixedName ?? typed.trim();
  const nameError =
    fixedName !== undefined || name === ""
      ? undefined
      : !namePattern.test(name)
        ? words.nameInvalid
        : taken.includes(name)
          ? words.nameTaken
          : undefined;
  const valueError = new TextEncoder().encode(value).length > maxValueBytes ? words.valueTooLong : undefined;
  const notYet = nameError ?? valueError ?? (name === "" ? words.nameHint : value === "" ? words.valueMissing : undefined);
  const submit = (): void => {
    if (notYet === undefined) onSave(name, value).then(onClose, (error: unknown) => toasts.failed(error));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={fixedName === undefined ? words.addTitle : words.replaceTitle(fixedName)}
      {...(fixedName === undefined ? { initialFocus: first } : {})}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" onClick={submit} disabledReason={notYet}>
            {fixedName === undefined ? settings.add : settings.replace}
          </Button>
        </>
      }
    >
      {fixedName === undefined ? (
        <Field label={words.name} error={nameError} hint={words.nameHint}>
          {(props) => (
            <Input
              {...props}
              ref={first}
              value={typed}
              placeholder="API_KEY"
              className="font-mono"
              onChange={(e) => setTyped(e.target.value)}
            />
          )}
        </Field>
      ) : null}
      <Field label={words.value} error={valueError} hint={words.valueHint}>
        {(props) => <SecretInput {...props} rows={4} value={value} onText={setValue} />}
      </Field>
    </Dialog>
  );
}
