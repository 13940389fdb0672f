import type { MessageInitShape } from "@bufbuild/protobuf";
import { type RefObject, useRef, useState } from "react";
import type { EnvironmentInitializerSchema } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import type { Project } from "../../../../contract/gen/gitpod/v1/project_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Field, Input } from "../../../ui/input.tsx";
import { understand } from "../../new/source.ts";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { repositoryOf } from "./project-fields.ts";

const maxNameLength = 80;
const maxDescriptionLength = 8192;

/** Makes a project, or changes the one that is given. */
export function ProjectDialog({
  project,
  onSaved,
  onClose,
}: {
  readonly project?: Project;
  readonly onSaved: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage, settings } = useStrings();
  const { clients } = useManaged();
  const words = manage.projects;
  const repositoryBefore = project === undefined ? "" : repositoryOf(project);
  const [draft, setDraft] = useState<Draft>({
    name: project?.metadata?.name ?? "",
    repository: repositoryBefore,
    devcontainerFilePath: project?.devcontainerFilePath ?? "",
    technicalDescription: project?.technicalDescription ?? "",
  });
  const input = useRef<HTMLInputElement>(null);
  const isSame = draft.repository.trim() === repositoryBefore;
  const isRepository = (isSame && project !== undefined) || understand(draft.repository).kind === "repository";
  const pathWrong = draft.devcontainerFilePath.startsWith("/") ? words.pathInvalid : undefined;
  const blocked = draft.name.trim() === "" ? words.nameMissing : isRepository ? pathWrong : words.repositoryInvalid;
  const save = async (): Promise<void> => {
    const { repository, ...rest } = draft;
    const fields = { ...rest, name: draft.name.trim() };
    const initializer = initializerOf(repository.trim());
    if (project === undefined) await clients.projects.createProject({ ...fields, initializer });
    // One that says more than an address, e.g. a commit, stays as it is unless the address is another one.
    else await clients.projects.updateProject({ projectId: project.id, ...fields, ...(isSame ? {} : { initializer }) });
    onSaved(fields.name);
  };
  return (
    <FormDialog
      title={project === undefined ? words.add : words.edit(project.metadata?.name ?? "")}
      submit={project === undefined ? words.add : settings.save}
      blocked={blocked}
      initialFocus={input}
      onSubmit={save}
      onClose={onClose}
    >
      <ProjectFields
        input={input}
        draft={draft}
        isRepository={isRepository}
        pathWrong={pathWrong}
        onChange={(fields) => setDraft({ ...draft, ...fields })}
      />
    </FormDialog>
  );
}

interface Draft {
  readonly name: string;
  readonly repository: string;
  readonly devcontainerFilePath: string;
  readonly technicalDescription: string;
}

function ProjectFields({
  input,
  draft,
  isRepository,
  pathWrong,
  onChange,
}: {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly draft: Draft;
  readonly isRepository: boolean;
  readonly pathWrong: string | undefined;
  readonly onChange: (fields: Partial<Draft>) => void;
}) {
  const { manage } = useStrings();
  const words = manage.projects;
  const { name, repository, devcontainerFilePath, technicalDescription } = draft;
  return (
    <>
      <Field label={words.name}>
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
      <Field
        label={words.repository}
        hint={words.repositoryHint}
        error={repository.trim() !== "" && !isRepository ? words.repositoryInvalid : undefined}
      >
        {(props) => (
          <Input
            {...props}
            value={repository}
            placeholder="https://github.com/owner/repository"
            onChange={(event) => onChange({ repository: event.target.value })}
          />
        )}
      </Field>
      <Field label={words.devcontainer} hint={words.devcontainerHint} error={pathWrong}>
        {(props) => (
          <Input
            {...props}
            value={devcontainerFilePath}
            placeholder=".devcontainer/devcontainer.json"
            onChange={(event) => onChange({ devcontainerFilePath: event.target.value })}
          />
        )}
      </Field>
      <Field label={words.descriptionLabel} hint={words.descriptionHint}>
        {(props) => (
          <Input
            {...props}
            value={technicalDescription}
            maxLength={maxDescriptionLength}
            onChange={(event) => onChange({ technicalDescription: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}

function initializerOf(url: string): MessageInitShape<typeof EnvironmentInitializerSchema> {
  return { specs: [{ spec: { case: "contextUrl", value: { url } } }] };
}
