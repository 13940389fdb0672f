import { type FormEvent, useId, useRef, useState } from "react";
import { fromConnectError } from "../../contract/connect-error.ts";
import { useErrorText, useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, Input } from "../ui/input.tsx";
import type { EnvironmentRow } from "./environment-row.ts";
import { useActions } from "./row-menu.tsx";

export function RenameDialog({ row, onClose }: { readonly row: EnvironmentRow; readonly onClose: () => void }) {
  const { environments, shell } = useStrings();
  const words = environments.rename;
  const textOf = useErrorText();
  const actions = useActions();
  const [name, setName] = useState(row.name);
  const [error, setError] = useState<string | undefined>();
  const input = useRef<HTMLInputElement>(null);
  const form = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === row.name) return onClose();
    actions.rename(row.id, name.trim()).then(onClose, (thrown: unknown) => {
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
      title={words.title(row.name)}
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
        <Field label={words.label} hint={words.hint} error={error}>
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
