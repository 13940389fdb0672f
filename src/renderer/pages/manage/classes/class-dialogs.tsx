import { type RefObject, useRef, useState } from "react";
import { cpusField, machineField, memoryGibField, ownMachine, sharedMachine } from "../../../../contract/environment-class.ts";
import type { EnvironmentClass } from "../../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { Runner } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Field, Input } from "../../../ui/input.tsx";
import { Select } from "../../../ui/select.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { wholeNumberIn } from "../whole-number.ts";

const minLength = 3;
const maxNameLength = 127;
const maxDescriptionLength = 200;
const maxCpus = 256;
const maxMemoryGib = 4096;

interface Names {
  readonly name: string;
  readonly description: string;
}

function isShort({ name, description }: Names): boolean {
  return name.trim().length < minLength || description.trim().length < minLength;
}

interface Draft extends Names {
  readonly runnerId: string;
  readonly machine: "own" | "shared";
  readonly cpus: string;
  readonly memory: string;
}

/** A class as it is filled in; `add` gives its name. */
function useNewClass(runnerId: string) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.classes;
  const [draft, setDraft] = useState<Draft>({ runnerId, name: "", description: "", machine: "own", cpus: "4", memory: "8" });
  const cpus = wholeNumberIn(draft.cpus, { min: 1, max: maxCpus });
  const memoryGib = wholeNumberIn(draft.memory, { min: 1, max: maxMemoryGib });
  const isOwn = draft.machine === "own";
  const sizeWrong = cpus === undefined ? words.cpusInvalid : memoryGib === undefined ? words.memoryInvalid : undefined;
  const add = async (): Promise<string> => {
    const displayName = draft.name.trim();
    const size = [
      { key: cpusField, value: String(cpus) },
      { key: memoryGibField, value: String(memoryGib) },
    ];
    await clients.runnerConfiguration.createEnvironmentClass({
      runnerId: draft.runnerId,
      displayName,
      description: draft.description.trim(),
      configuration: [{ key: machineField, value: isOwn ? ownMachine : sharedMachine }, ...(isOwn ? size : [])],
    });
    return displayName;
  };
  return {
    draft,
    change: (fields: Partial<Draft>): void => setDraft({ ...draft, ...fields }),
    cpus,
    memoryGib,
    blocked: isShort(draft) ? words.tooShort : isOwn ? sizeWrong : undefined,
    add,
  };
}

export function AddClassDialog({
  runners,
  runnerId: chosen,
  onAdded,
  onClose,
}: {
  readonly runners: readonly Runner[];
  /** Empty: none was chosen. */
  readonly runnerId: string;
  readonly onAdded: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const words = manage.classes;
  const { draft, change, cpus, memoryGib, blocked, add } = useNewClass(chosen === "" ? (runners[0]?.runnerId ?? "") : chosen);
  const input = useRef<HTMLInputElement>(null);
  return (
    <FormDialog
      title={words.addTitle}
      description={words.addDetail}
      submit={words.add}
      blocked={blocked}
      initialFocus={input}
      onSubmit={async () => onAdded(await add())}
      onClose={onClose}
    >
      <NameFields input={input} name={draft.name} description={draft.description} onChange={change} />
      <Field label={words.runner}>
        {({ id }) => (
          <Select
            id={id}
            label={words.runner}
            value={draft.runnerId}
            options={runners.map((runner) => ({ value: runner.runnerId, label: runner.name }))}
            onChange={(runnerId) => change({ runnerId })}
          />
        )}
      </Field>
      <Field label={words.machine}>
        {({ id }) => (
          <Select
            id={id}
            label={words.machine}
            value={draft.machine}
            options={[
              { value: "own", label: words.machines.own },
              { value: "shared", label: words.machines.shared },
            ]}
            onChange={(machine) => change({ machine })}
          />
        )}
      </Field>
      {draft.machine === "own" ? (
        <div className="grid grid-cols-2 gap-3">
          <Field label={words.cpus} error={cpus === undefined ? words.cpusInvalid : undefined}>
            {(props) => (
              <Input {...props} inputMode="numeric" value={draft.cpus} onChange={(event) => change({ cpus: event.target.value })} />
            )}
          </Field>
          <Field label={words.memory} error={memoryGib === undefined ? words.memoryInvalid : undefined}>
            {(props) => (
              <Input {...props} inputMode="numeric" value={draft.memory} onChange={(event) => change({ memory: event.target.value })} />
            )}
          </Field>
        </div>
      ) : null}
    </FormDialog>
  );
}

export function RenameClassDialog({
  of,
  onSaved,
  onClose,
}: {
  readonly of: EnvironmentClass;
  readonly onSaved: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.classes;
  const [draft, setDraft] = useState({ name: of.displayName, description: of.description });
  const input = useRef<HTMLInputElement>(null);
  const name = draft.name.trim();
  const description = draft.description.trim();
  const save = async (): Promise<void> => {
    await clients.runnerConfiguration.updateEnvironmentClass({
      environmentClassId: of.id,
      displayName: name,
      description,
    });
    onSaved(name);
  };
  return (
    <FormDialog
      title={words.editTitle(of.displayName)}
      submit={words.editSubmit}
      blocked={isShort(draft) ? words.tooShort : undefined}
      initialFocus={input}
      onSubmit={save}
      onClose={onClose}
    >
      <NameFields input={input} {...draft} onChange={(fields) => setDraft({ ...draft, ...fields })} />
    </FormDialog>
  );
}

function NameFields({
  input,
  name,
  description,
  onChange,
}: Names & {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly onChange: (fields: Partial<Names>) => void;
}) {
  const { manage } = useStrings();
  const words = manage.classes;
  return (
    <>
      <Field label={words.name} hint={words.nameHint}>
        {(props) => (
          <Input
            {...props}
            ref={input}
            value={name}
            maxLength={maxNameLength}
            onChange={(event) => onChange({ name: event.target.value })}
          />
        )}
      </Field>
      <Field label={words.descriptionLabel} hint={words.descriptionHint}>
        {(props) => (
          <Input
            {...props}
            value={description}
            maxLength={maxDescriptionLength}
            onChange={(event) => onChange({ description: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}
