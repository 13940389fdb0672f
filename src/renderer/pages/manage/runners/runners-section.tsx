import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Plus, Server } from "lucide-react";
import { useCallback, useState } from "react";
import { type Runner, RunnerPhase } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useFormats, useNow, useStrings } from "../../../app/context.ts";
import { Dot, type Tone } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { type Column, TwoLines } from "../data-table.tsx";
import { useManaged } from "../manage-context.ts";
import { Nothing } from "../nothing.tsx";
import { PagedTable, SectionFrame } from "../section-frame.tsx";
import { useEnvironmentCount } from "../use-environment-count.ts";
import { type AskPage, usePolledPages } from "../use-pages.ts";
import { RunnerMenu } from "./runner-menu.tsx";
import { type RunnerQuestion, RunnerQuestions } from "./runner-questions.tsx";

const pollMs = 10_000;
const agoTickMs = 10_000;

const tones: Readonly<Record<RunnerPhase, Tone>> = {
  [RunnerPhase.UNSPECIFIED]: "neutral",
  [RunnerPhase.CREATED]: "neutral",
  [RunnerPhase.INACTIVE]: "warn",
  [RunnerPhase.ACTIVE]: "ok",
  [RunnerPhase.DELETING]: "neutral",
  [RunnerPhase.DELETED]: "neutral",
  [RunnerPhase.DEGRADED]: "danger",
};

/** Runners: how they are, and what can be done with them. */
export function RunnersSection() {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.runners;
  const [question, setQuestion] = useState<RunnerQuestion | undefined>();
  const pages = usePolledPages(
    useCallback<AskPage<Runner>>(
      async (pagination, signal) => {
        const answer = await clients.runners.listRunners({ pagination }, { signal });
        return { rows: answer.runners, nextToken: answer.pagination?.nextToken ?? "" };
      },
      [clients],
    ),
    pollMs,
  );
  const columns = useColumns(setQuestion);
  const add = (
    <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })}>
      {words.add}
    </Button>
  );
  return (
    <SectionFrame title={manage.sections.runners} description={words.description} actions={add}>
      <PagedTable
        pages={pages}
        label={manage.sections.runners}
        columns={columns}
        keyOf={(runner) => runner.runnerId}
        empty={<Nothing icon={Server} title={words.none} detail={words.noneDetail} />}
      />
      {question === undefined ? null : (
        <RunnerQuestions question={question} ask={setQuestion} onClose={() => setQuestion(undefined)} onDone={pages.reload} />
      )}
    </SectionFrame>
  );
}

function useColumns(ask: (question: RunnerQuestion) => void): readonly Column<Runner>[] {
  const { manage } = useStrings();
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const words = manage.runners;
  return [
    {
      id: "name",
      header: words.columns.name,
      className: "w-56 shrink",
      cell: ({ name, status }) => <TwoLines first={name} second={status?.systemDetails ?? ""} />,
    },
    {
      id: "state",
      header: words.columns.state,
      className: "flex-1",
      cell: ({ status }) => (
        <span className="flex min-w-0 flex-col" title={status?.message === "" ? undefined : status?.message}>
          <span className="flex items-center gap-2">
            <Dot tone={tones[status?.phase ?? RunnerPhase.UNSPECIFIED]} />
            {words.phases[status?.phase ?? RunnerPhase.UNSPECIFIED]}
          </span>
          {(status?.message ?? "") === "" ? null : <span className="truncate text-sm text-muted select-text">{status?.message}</span>}
        </span>
      ),
    },
    {
      id: "version",
      header: words.columns.version,
      className: "hidden w-24 truncate text-muted @3xl:block",
      cell: ({ status }) => status?.version ?? "",
    },
    {
      id: "seen",
      header: words.columns.seen,
      className: "w-32 text-muted",
      cell: ({ status }) =>
        status?.updatedAt === undefined || status.phase === RunnerPhase.CREATED
          ? words.never
          : formats.ago(timestampMs(status.updatedAt), nowMs),
    },
    {
      id: "environments",
      header: words.columns.environments,
      className: "hidden w-28 text-right tabular-nums @2xl:block",
      cell: ({ runnerId }) => <EnvironmentCount runnerId={runnerId} />,
    },
    {
      id: "actions",
      header: manage.actions,
      quietHeader: true,
      className: "flex w-7 justify-end",
      cell: (runner) => <RunnerMenu runner={runner} ask={ask} />,
    },
  ];
}

function EnvironmentCount({ runnerId }: { readonly runnerId: string }) {
  const formats = useFormats();
  const { value } = useEnvironmentCount(runnerId);
  return value === undefined ? null : formats.number(value);
}
