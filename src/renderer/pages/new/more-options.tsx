import { useStrings } from "../../app/context.ts";
import { Field, Input } from "../../ui/input.tsx";
import { type Source, suggestedName } from "./source.ts";

export interface Options {
  readonly name: string;
  readonly devcontainerFilePath: string;
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
    </div>
  );
}
