import { create } from "@bufbuild/protobuf";
import { type RefObject, useRef, useState } from "react";
import {
  cpusField,
  diskGibField,
  machineField,
  memoryGibField,
  ownMachine,
  sharedMachine,
} from "../../../../contract/environment-class.ts";
import { type EnvironmentClass, EnvironmentClassSchema } from "../../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Runner, RunnerPhase } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Field, Input } from "../../../ui/input.tsx";
import { Select } from "../../../ui/select.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { wholeNumberIn } from "../whole-number.ts";
import { refuseUnfit } from "./ask-runner.ts";

const minLength = 3;
const maxNameLength = 127;
const maxDescriptionLength = 200;
const maxCpus = 256;
const maxMemoryGib = 4096;
const maxDiskGib = 65_536;

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
  /** Empty: as much as the runner gives usually. */
  readonly disk: string;
}

/** A class as it is filled in; `add` gives its name. */
function useNewClass(runners: readonly Runner[], chosen: string) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.classes;
  const runnerId = chosen === "" ? (runners[0]?.runnerId ?? "") : chosen;
  const [draft, setDraft] = useState<Draft>({ runnerId, name: "", description: "", machine: "own", cpus: "4", memory: "8", disk: "" });
  const isOwn = draft.machine === "own";
  const isUpTo = (max: number, text: string): boolean => wholeNumberIn(text, { min: 1, max }) !== undefined;
  const errors = {
    cpus: isUpTo(maxCpus, draft.cpus) ? undefined : words.cpusInvalid,
    memory: isUpTo(maxMemoryGib, draft.memory) ? undefined : words.memoryInvalid,
    disk: draft.disk.trim() === "" || isUpTo(maxDiskGib, draft.disk) ? undefined : words.diskInvalid,
  };
  const add = async (): Promise<string> => {
    const { runnerId: ofRunner } = draft;
    const displayName = draft.name.trim();
    const size = [
      { key: cpusField, value: draft.cpus.trim() },
      { key: memoryGibField, value: draft.memory.trim() },
      { key: diskGibField, value: draft.disk.trim() },
    ].filter(({ value }) => value !== "");
    const wanted = {
      runnerId: ofRunner,
      displayName,
      description: draft.description.trim(),
      configuration: [{ key: machineField, value: isOwn ? ownMachine : sharedMachine }, ...(isOwn ? size : [])],
    };
    const { runnerConfiguration } = clients;
    const config = { case: "environmentClass", value: create(EnvironmentClassSchema, wanted) } as const;
    if (isThere(runners.find((one) => one.runnerId === ofRunner)))
      await refuseUnfit(async () => runnerConfiguration.validateRunnerConfiguration({ runnerId: ofRunner, config }));
    await runnerConfiguration.createEnvironmentClass(wanted);
    return displayName;
  };
  return {
    draft,
    change: (fields: Partial<Draft>): void => setDraft({ ...draft, ...fields }),
    errors,
    blocked: isShort(draft) ? words.tooShort : isOwn ? (errors.cpus ?? errors.memory ?? errors.disk) : undefined,
    add,
  };
}

/** One that is away is not waited for: it decides when the first environment wants the class. */
function isThere(runner: Runner | undefined): boolean {
  return runner?.status?.phase === RunnerPhase.ACTIVE || runner?.status?.phase === RunnerPhase.DEGRADED;
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
  const { draft, change, errors, blocked, add } = useNewClass(runners, chosen);
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
        <div className="grid grid-cols-3 gap-3">
          {(["cpus", "memory", "disk"] as const).map((of) => (
            <Field key={of} label={words[of]} hint={of === "disk" ? words.diskHint : undefined} error={errors[of]}>
              {(props) => (
                <Input {...props} inputMode="numeric" value={draft[of]} onChange={(event) => change({ [of]: event.target.value })} />
              )}
            </Field>
          ))}
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
