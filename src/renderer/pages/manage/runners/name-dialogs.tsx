import { useRef, useState } from "react";
import { type Runner } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { RunnerKind, RunnerProvider } from "../../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Field, Input } from "../../../ui/input.tsx";
import { Select } from "../../../ui/select.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";

const minNameLength = 3;
const maxNameLength = 127;

const providers = { linux: RunnerProvider.LINUX_HOST, ec2: RunnerProvider.AWS_EC2 } as const;

export function AddRunnerDialog({
  onAdded,
  onClose,
}: {
  readonly onAdded: (name: string, exchangeToken: string) => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.runners;
  const [text, setText] = useState("");
  const [provider, setProvider] = useState<keyof typeof providers>("linux");
  const input = useRef<HTMLInputElement>(null);
  const name = text.trim();
  const add = async (): Promise<void> => {
    const made = await clients.runners.createRunner({ name, kind: RunnerKind.REMOTE, provider: providers[provider] });
    onAdded(name, made.exchangeToken);
  };
  return (
    <FormDialog
      title={words.addTitle}
      description={words.addDetail}
      submit={words.add}
      blocked={name.length < minNameLength ? words.nameShort : undefined}
      initialFocus={input}
      stays
      onSubmit={add}
      onClose={onClose}
    >
      <Field label={words.name} hint={words.nameHint}>
        {(props) => (
          <Input {...props} ref={input} value={text} maxLength={maxNameLength} onChange={(event) => setText(event.target.value)} />
        )}
      </Field>
      <Field label={words.provider}>
        {({ id }) => (
          <Select
            id={id}
            label={words.provider}
            value={provider}
            options={[
              { value: "linux", label: words.providers.linux },
              { value: "ec2", label: words.providers.ec2 },
            ]}
            onChange={setProvider}
          />
        )}
      </Field>
    </FormDialog>
  );
}

export function RenameRunnerDialog({
  runner,
  onRenamed,
  onClose,
}: {
  readonly runner: Runner;
  readonly onRenamed: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.runners;
  const [text, setText] = useState(runner.name);
  const input = useRef<HTMLInputElement>(null);
  const name = text.trim();
  return (
    <FormDialog
      title={words.renameTitle(runner.name)}
      submit={words.renameSubmit}
      blocked={name.length < minNameLength ? words.nameShort : undefined}
      initialFocus={input}
      onSubmit={async () => {
        await clients.runners.updateRunner({ runnerId: runner.runnerId, name });
        onRenamed(name);
      }}
      onClose={onClose}
    >
      <Field label={words.name} hint={words.nameHint}>
        {(props) => (
          <Input {...props} ref={input} value={text} maxLength={maxNameLength} onChange={(event) => setText(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
