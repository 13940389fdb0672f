import { ChevronRight } from "lucide-react";
import { type FormEvent, useState } from "react";
import { hasOwnMachine } from "../../../contract/environment-class.ts";
import type { Context } from "../../../contract/gen/berth/v1/context_pb.js";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorState } from "../../ui/states.tsx";
import { MachineChoice } from "./machine-choice.tsx";
import { isConfigPath, MoreOptions, type Options } from "./more-options.tsx";
import { PlaceChoice, usePlaces } from "./place-choice.tsx";
import { Preview } from "./preview.tsx";
import { RemoteClassChoice } from "./remote-class-choice.tsx";
import { understand } from "./source.ts";
import { SourceField } from "./source-field.tsx";
import { Suggestions } from "./suggestions.tsx";
import { useClasses } from "./use-classes.ts";
import { useCreate } from "./use-create.ts";

/** From an address or a folder to an environment that starts. */
export function CreateForm({ initial, newcomer }: { readonly initial: string; readonly newcomer: boolean }) {
  const { newEnvironment: words } = useStrings();
  const [text, setText] = useState(initial);
  const [options, setOptions] = useState<Options>({ name: "", devcontainerFilePath: "" });
  const [classId, setClassId] = useState("");
  const [place, setPlace] = useState<Context | undefined>();
  const contexts = usePlaces();
  const classes = useClasses();
  const isOwn = classes?.some((c) => c.id === classId && hasOwnMachine(c)) ?? false;
  const { create, creating, error } = useCreate();
  const source = understand(text);
  // A plane cannot see the folders of this computer.
  const context = source.kind === "repository" ? place : undefined;
  const choosePlace = (chosen: Context | undefined): void => {
    setPlace(chosen);
    setClassId("");
  };
  const good = source.kind === "repository" || source.kind === "folder";
  const disabledReason = creating
    ? words.creating
    : !good
      ? words.hint
      : isConfigPath(options.devcontainerFilePath)
        ? undefined
        : words.devcontainerInvalid;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (disabledReason === undefined) create({ source, ...options, classId, contextId: context?.contextId ?? "" });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <SourceField text={text} source={source} onChange={setText} />
      {good && classes !== undefined ? (
        <>
          {source.kind === "repository" ? <PlaceChoice contexts={contexts} chosen={context} onChange={choosePlace} /> : null}
          <Preview source={source} hasOwnMachine={isOwn} context={context} />
          {context === undefined ? (
            <MachineChoice classes={classes} classId={classId} onChange={setClassId} />
          ) : (
            <RemoteClassChoice key={context.contextId} context={context} classId={classId} onChange={setClassId} />
          )}
          <details className="group">
            <summary className="flex h-7 w-fit list-none items-center gap-1 rounded-md pr-2 text-muted hover:text-fg">
              <ChevronRight size={14} aria-hidden className="group-open:rotate-90" />
              {words.more}
            </summary>
            <div className="pt-3">
              <MoreOptions source={source} options={options} onChange={setOptions} />
            </div>
          </details>
        </>
      ) : null}
      {error === undefined ? null : <ErrorState error={error} />}
      <Button kind="primary" type="submit" className="h-9 w-fit px-4" disabledReason={disabledReason}>
        {creating ? words.creating : words.create}
      </Button>
      {good ? null : <Suggestions onPick={setText} newcomer={newcomer} />}
    </form>
  );
}
