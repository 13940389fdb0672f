import { useId } from "react";
import { type Context, Context_State } from "../../../contract/gen/berth/v1/context_pb.js";
import { useStrings } from "../../app/context.ts";
import { ContextState } from "../../planes/context-state.tsx";
import { useContexts } from "../../planes/use-contexts.ts";

/** The planes that somebody is signed in to. */
export function usePlaces(): readonly Context[] {
  return (useContexts().value ?? []).filter(({ state }) => state !== Context_State.SIGNED_OUT);
}

/** Whether this computer makes the environment or a plane; nothing where there is no choice. */
export function PlaceChoice({
  contexts,
  chosen,
  onChange,
}: {
  readonly contexts: readonly Context[];
  /** Undefined: this computer. */
  readonly chosen: Context | undefined;
  readonly onChange: (context: Context | undefined) => void;
}) {
  const { newEnvironment } = useStrings();
  const words = newEnvironment.place;
  const name = useId();
  if (contexts.length === 0) return null;
  return (
    <fieldset>
      <legend className="mb-1 font-medium">{words.title}</legend>
      <div className="divide-y rounded-md border">
        <Place name={name} label={words.here} note={words.hereNote} checked={chosen === undefined} onPick={() => onChange(undefined)} />
        {contexts.map((context) => (
          <Place
            key={context.contextId}
            name={name}
            label={context.name}
            note={words.planeNote(context.organizationName === "" ? context.planeUrl : context.organizationName)}
            context={context}
            checked={context.contextId === chosen?.contextId}
            onPick={() => onChange(context)}
          />
        ))}
      </div>
    </fieldset>
  );
}

function Place({
  name,
  label,
  note,
  context,
  checked,
  onPick,
}: {
  readonly name: string;
  readonly label: string;
  readonly note: string;
  readonly context?: Context;
  readonly checked: boolean;
  readonly onPick: () => void;
}) {
  const id = useId();
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
          {label}
        </label>
        <p id={`${id}-note`} className="text-sm text-muted">
          {note}
        </p>
      </div>
      {context === undefined ? null : (
        <span className="text-sm">
          <ContextState context={context} />
        </span>
      )}
    </div>
  );
}
