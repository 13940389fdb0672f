import { Layers, Pencil, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { hasOwnMachine, machineSizeOf } from "../../../../contract/environment-class.ts";
import type { EnvironmentClass } from "../../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Runner } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useApp, useFormats, useStrings } from "../../../app/context.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Checkbox } from "../../../ui/checkbox.tsx";
import { Select } from "../../../ui/select.tsx";
import { type Column, TwoLines } from "../data-table.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { useDo } from "../use-do.ts";
import { type AskPage, usePages } from "../use-pages.ts";
import { useRunners } from "../use-runners.ts";
import { AddClassDialog, RenameClassDialog } from "./class-dialogs.tsx";

const anyRunner = "";

type Question = { readonly kind: "add" } | { readonly kind: "rename"; readonly of: EnvironmentClass };

/** Environment classes, runner by runner. */
export function ClassesSection() {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients } = useManaged();
  const words = manage.classes;
  const runners = useRunners().value ?? [];
  const [runnerId, setRunnerId] = useState(anyRunner);
  const [question, setQuestion] = useState<Question | undefined>();
  const pages = usePages(
    useCallback<AskPage<EnvironmentClass>>(
      async (pagination, signal) => {
        const filter = { runnerIds: runnerId === anyRunner ? [] : [runnerId] };
        const answer = await clients.runnerConfiguration.listEnvironmentClasses({ pagination, filter }, { signal });
        return { rows: answer.environmentClasses, nextToken: answer.pagination?.nextToken ?? "" };
      },
      [clients, runnerId],
    ),
  );
  const columns = useColumns(runners, (of) => setQuestion({ kind: "rename", of }), pages.reload);
  const finish = (text: string): void => {
    toasts.info(text);
    pages.reload();
  };
  return (
    <SectionFrame
      title={manage.sections.classes}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })} disabledReason={runners.length === 0 ? words.noRunner : undefined}>
          {words.add}
        </Button>
      }
      toolbar={
        <Select
          label={words.runner}
          value={runnerId}
          options={[{ value: anyRunner, label: words.anyRunner }, ...runners.map((one) => ({ value: one.runnerId, label: one.name }))]}
          onChange={setRunnerId}
          className="w-52"
        />
      }
    >
      <PagedTable
        pages={pages}
        label={manage.sections.classes}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Nothing
            icon={Layers}
            title={words.none}
            detail={words.noneDetail}
            onClear={runnerId === anyRunner ? undefined : () => setRunnerId(anyRunner)}
          />
        }
      />
      {question?.kind === "add" ? (
        <AddClassDialog
          runners={runners}
          runnerId={runnerId}
          onAdded={(name) => finish(words.added(name))}
          onClose={() => setQuestion(undefined)}
        />
      ) : null}
      {question?.kind === "rename" ? (
        <RenameClassDialog of={question.of} onSaved={(name) => finish(words.edited(name))} onClose={() => setQuestion(undefined)} />
      ) : null}
    </SectionFrame>
  );
}

function useColumns(
  runners: readonly Runner[],
  rename: (of: EnvironmentClass) => void,
  reload: () => void,
): readonly Column<EnvironmentClass>[] {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.classes;
  const doIt = useDo(reload);
  const turn = ({ id, displayName }: EnvironmentClass, enabled: boolean): void =>
    void doIt(
      async () => clients.runnerConfiguration.updateEnvironmentClass({ environmentClassId: id, enabled }),
      enabled ? words.turnedOn(displayName) : words.turnedOff(displayName),
    );
  return [
    {
      id: "name",
      header: words.columns.name,
      className: "flex-1",
      cell: ({ displayName, description }) => <TwoLines first={displayName} second={description} title={description} />,
    },
    {
      id: "runner",
      header: words.columns.runner,
      className: "w-40 truncate",
      cell: ({ runnerId }) => runners.find((runner) => runner.runnerId === runnerId)?.name ?? "",
    },
    { id: "size", header: words.columns.size, className: "hidden w-52 @2xl:block", cell: (of) => <Size of={of} /> },
    {
      id: "enabled",
      header: words.columns.enabled,
      className: "w-20",
      cell: (of) => (
        <Checkbox aria-label={words.enabledLabel(of.displayName)} checked={of.enabled} onToggle={(enabled) => turn(of, enabled)} />
      ),
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-7 justify-end",
      cell: (of) => <IconButton icon={Pencil} label={`${words.edit}: ${of.displayName}`} onClick={() => rename(of)} />,
    },
  ];
}

function Size({ of }: { readonly of: EnvironmentClass }) {
  const { manage } = useStrings();
  const formats = useFormats();
  const words = manage.classes;
  const size = machineSizeOf(of);
  return (
    <TwoLines
      first={size === undefined ? words.sizeOfRunner : words.size(formats.number(size.cpus), formats.bytes(size.memoryBytes))}
      second={hasOwnMachine(of) ? words.own : words.shared}
    />
  );
}
