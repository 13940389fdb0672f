import { useEffect, useState } from "react";
import type { EnvironmentClass } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { useApp, useStrings } from "../../app/context.ts";
import { Field, Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { type Source, suggestedName } from "./source.ts";

export interface Options {
  readonly name: string;
  readonly devcontainerFilePath: string;
  /** Empty: the usual one. */
  readonly classId: string;
}

export function isConfigPath(path: string): boolean {
  return path === "" || (/^[^/].*\.json$/.test(path) && !path.split("/").includes(".."));
}

/** What can be said beyond the source, and mostly need not. */
export function MoreOptions({
  source,
  options,
  onChange,
}: {
  readonly source: Source;
  readonly options: Options;
  readonly onChange: (options: Options) => void;
}) {
  const { newEnvironment: words } = useStrings();
  const classes = useClasses();
  return (
    <div className="grid grid-cols-2 gap-4">
      <Field label={words.name} hint={words.nameHint}>
        {(field) => (
          <Input
            {...field}
            value={options.name}
            maxLength={80}
            placeholder={suggestedName(source)}
            onChange={(event) => onChange({ ...options, name: event.target.value })}
          />
        )}
      </Field>
      <Field
        label={words.devcontainer}
        hint={words.devcontainerHint}
        error={isConfigPath(options.devcontainerFilePath) ? undefined : words.devcontainerInvalid}
      >
        {(field) => (
          <Input
            {...field}
            value={options.devcontainerFilePath}
            placeholder=".devcontainer/devcontainer.json"
            onChange={(event) => onChange({ ...options, devcontainerFilePath: event.target.value.trim() })}
          />
        )}
      </Field>
      {classes.length < 2 ? null : (
        <Field label={words.environmentClass}>
          {({ id }) => (
            <Select
              id={id}
              label={words.environmentClass}
              value={options.classId === "" ? (classes[0]?.id ?? "") : options.classId}
              options={classes.map((c) => ({ value: c.id, label: c.displayName }))}
              onChange={(classId) => onChange({ ...options, classId })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

function useClasses(): readonly EnvironmentClass[] {
  const { clients, toasts } = useApp();
  const [classes, setClasses] = useState<readonly EnvironmentClass[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    clients.environments.listEnvironmentClasses({}, { signal: ended.signal }).then(
      (answer) => setClasses(answer.environmentClasses.filter((c) => c.enabled)),
      (error: unknown) => {
        if (!ended.signal.aborted) toasts.failed(error);
      },
    );
    return () => ended.abort();
  }, [clients, toasts]);
  return classes;
}
