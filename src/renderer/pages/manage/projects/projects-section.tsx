import { timestampMs } from "@bufbuild/protobuf/wkt";
import { FolderGit2, Pencil, Plus, Trash2 } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { SortOrder } from "../../../../contract/gen/gitpod/v1/pagination_pb.js";
import type { Project } from "../../../../contract/gen/gitpod/v1/project_pb.js";
import { useApp, useFormats, useStrings } from "../../../app/context.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { type Column, TwoLines } from "../data-table.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { SearchBox, searchDelayMs } from "../search-box.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { useMemberNames } from "../use-member-names.ts";
import { type AskPage, usePages } from "../use-pages.ts";
import { useSettled } from "../use-settled.ts";
import { repositoryOf } from "./project-fields.ts";
import { ProjectDialog } from "./project-dialog.tsx";

type Question = { readonly kind: "add" } | { readonly kind: "edit" | "remove"; readonly project: Project };

/** Projects: what environments are made from again and again. */
export function ProjectsSection() {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients } = useManaged();
  const words = manage.projects;
  const [search, setSearch] = useState("");
  const [question, setQuestion] = useState<Question | undefined>();
  const pages = usePages(useAsk(search));
  const { rows, reload } = pages;
  const names = useMemberNames(useMemo(() => (rows ?? []).map(({ metadata }) => metadata?.creator?.id ?? ""), [rows]));
  const columns = useColumns(names, setQuestion);
  const close = (): void => setQuestion(undefined);
  const finish = (text: string): void => {
    toasts.info(text);
    reload();
  };
  return (
    <SectionFrame
      title={manage.sections.projects}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })}>
          {words.add}
        </Button>
      }
      toolbar={<SearchBox label={words.search} value={search} onChange={setSearch} />}
    >
      <PagedTable
        pages={pages}
        label={manage.sections.projects}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Nothing
            icon={FolderGit2}
            title={words.none}
            detail={words.noneDetail}
            onClear={search === "" ? undefined : () => setSearch("")}
          />
        }
      />
      {question?.kind === "add" ? <ProjectDialog onSaved={(name) => finish(words.saved(name))} onClose={close} /> : null}
      {question?.kind === "edit" ? (
        <ProjectDialog project={question.project} onSaved={(name) => finish(words.saved(name))} onClose={close} />
      ) : null}
      {question?.kind === "remove" ? (
        <FormDialog
          title={words.removeTitle(nameOf(question.project))}
          description={words.removeDetail}
          submit={words.removeSubmit}
          kind="danger"
          onSubmit={async () => {
            await clients.projects.deleteProject({ projectId: question.project.id });
            finish(words.removed(nameOf(question.project)));
          }}
          onClose={close}
        />
      ) : null}
    </SectionFrame>
  );
}

function nameOf({ metadata }: Project): string {
  return metadata?.name ?? "";
}

function useAsk(search: string): AskPage<Project> {
  const { clients } = useManaged();
  const settled = useSettled(search.trim(), searchDelayMs);
  return useCallback(
    async (pagination, signal) => {
      const sort = { field: "name", order: SortOrder.ASC };
      const answer = await clients.projects.listProjects(
        { pagination, filter: { search: settled }, sort, count: { include: true } },
        { signal },
      );
      return { rows: answer.projects, nextToken: answer.pagination?.nextToken ?? "", total: answer.count?.value };
    },
    [clients, settled],
  );
}

function useColumns(names: ReadonlyMap<string, string>, ask: (question: Question) => void): readonly Column<Project>[] {
  const { manage } = useStrings();
  const formats = useFormats();
  const words = manage.projects;
  return [
    {
      id: "name",
      header: words.columns.name,
      className: "flex-1",
      cell: (project) => <TwoLines first={nameOf(project)} second={repositoryOf(project)} title={project.technicalDescription} />,
    },
    {
      id: "devcontainer",
      header: words.columns.devcontainer,
      className: "hidden w-48 truncate text-muted @3xl:block",
      cell: ({ devcontainerFilePath }) => <code className="font-mono text-sm">{devcontainerFilePath}</code>,
    },
    {
      id: "creator",
      header: words.columns.creator,
      className: "hidden w-32 truncate @xl:block",
      cell: ({ metadata }) => names.get(metadata?.creator?.id ?? "") || null,
    },
    {
      id: "created",
      header: words.columns.created,
      className: "hidden w-28 text-muted @2xl:block",
      cell: ({ metadata }) => (metadata?.createdAt === undefined ? null : formats.date(timestampMs(metadata.createdAt))),
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-15 justify-end",
      cell: (project) => (
        <>
          <IconButton icon={Pencil} label={words.edit(nameOf(project))} onClick={() => ask({ kind: "edit", project })} />
          <IconButton icon={Trash2} label={words.remove(nameOf(project))} onClick={() => ask({ kind: "remove", project })} />
        </>
      ),
    },
  ];
}
