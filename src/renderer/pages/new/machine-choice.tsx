import { useId } from "react";
import { hasOwnMachine, machineSizeOf } from "../../../contract/environment-class.ts";
import type { EnvironmentClass } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { useFormats, useStrings } from "../../app/context.ts";

/** Whether the environment shares the machine of the others or gets one to itself, and what that gives and costs. */
export function MachineChoice({
  classes,
  classId,
  onChange,
}: {
  readonly classes: readonly EnvironmentClass[];
  /** Empty: the usual one. */
  readonly classId: string;
  readonly onChange: (classId: string) => void;
}) {
  const { newEnvironment: words } = useStrings();
  const name = useId();
  const [usual] = classes;
  if (usual === undefined || classes.length < 2) return null;
  return (
    <fieldset>
      <legend className="mb-1 font-medium">{words.machine.title}</legend>
      <div className="divide-y rounded-md border">
        {classes.map((choice) => (
          <Choice
            key={choice.id}
            choice={choice}
            name={name}
            checked={choice.id === (classId === "" ? usual.id : classId)}
            onPick={() => onChange(choice.id)}
          />
        ))}
      </div>
    </fieldset>
  );
}

function Choice({
  choice,
  name,
  checked,
  onPick,
}: {
  readonly choice: EnvironmentClass;
  readonly name: string;
  readonly checked: boolean;
  readonly onPick: () => void;
}) {
  const { newEnvironment: words } = useStrings();
  const formats = useFormats();
  const id = useId();
  const isOwn = hasOwnMachine(choice);
  const size = machineSizeOf(choice);
  const note = !isOwn
    ? words.machine.sharedNote
    : size === undefined
      ? words.machine.ownNoteUnsized
      : words.machine.ownNote(formats.bytes(size.memoryBytes));
  return (
    <div className="flex items-start gap-3 px-3 py-2">
      <input
        id={id}
        type="radio"
        name={name}
        checked={checked}
        onChange={onPick}
        aria-describedby={`${id}-note`}
        className="mt-1 size-3.5 accent-(--accent)"
      />
      <div className="min-w-0 flex-1">
        <label htmlFor={id} className="block">
          {isOwn ? words.machine.own : words.machine.shared}
        </label>
        <p id={`${id}-note`} className="text-sm text-muted">
          {note}
        </p>
      </div>
    </div>
  );
}
