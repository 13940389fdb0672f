import { type FormEvent, useId, useRef, useState } from "react";
import { fromConnectError } from "../../contract/connect-error.ts";
import { useErrorText, useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, Input } from "../ui/input.tsx";

/** Asks for another name of an environment, wherever it runs; what `rename` refuses is told at the field. */
export function RenameDialog({
  name: before,
  hint,
  rename,
  onClose,
}: {
  readonly name: string;
  readonly hint: string;
  readonly rename: (name: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { environments, shell } = useStrings();
  const words = environments.rename;
  const textOf = useErrorText();
  const [name, setName] = useState(before);
  const [error, setError] = useState<string | undefined>();
  const input = useRef<HTMLInputElement>(null);
  const form = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === before) return onClose();
    rename(name.trim()).then(onClose, (thrown: unknown) => {
      const failure = fromConnectError(thrown);
      const { title, why } = textOf(failure.code);
      setError(`${title}. ${why}`);
      input.current?.focus();
    });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.title(before)}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" form={form}>
            {words.submit}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <Field label={words.label} hint={hint} error={error}>
          {(field) => (
            <Input
              {...field}
              ref={input}
              value={name}
              maxLength={80}
              onFocus={(event) => event.target.select()}
              onChange={(event) => {
                setName(event.target.value);
                setError(undefined);
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
