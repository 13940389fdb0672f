import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Runner, RunnerPhase } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useApp, useFormats, useStrings } from "../../../app/context.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { Facts } from "../../../ui/row.tsx";
import { CopyField } from "../copy-field.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { AddRunnerDialog, RenameRunnerDialog } from "./name-dialogs.tsx";
import { RemoveRunnerDialog } from "./remove-runner-dialog.tsx";

/** What is asked or shown of a runner. */
export type RunnerQuestion =
  | { readonly kind: "add" }
  | { readonly kind: "details" | "rename" | "new-token" | "remove"; readonly runner: Runner }
  | { readonly kind: "set-up"; readonly name: string; readonly exchangeToken: string };

export function RunnerQuestions({
  question,
  ask,
  onClose,
  onDone,
}: {
  readonly question: RunnerQuestion;
  readonly ask: (question: RunnerQuestion | undefined) => void;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { toasts } = useApp();
  const { manage } = useStrings();
  const words = manage.runners;
  const setUp = (name: string, exchangeToken: string): void => {
    onDone();
    ask({ kind: "set-up", name, exchangeToken });
  };
  const finish = (text: string): void => {
    toasts.info(text);
    onDone();
  };
  switch (question.kind) {
    case "add":
      return <AddRunnerDialog onAdded={setUp} onClose={onClose} />;
    case "set-up":
      return <SetUpDialog {...question} onClose={onClose} />;
    case "details":
      return <DetailsDialog runner={question.runner} onClose={onClose} />;
    case "rename":
      return <RenameRunnerDialog runner={question.runner} onRenamed={(name) => finish(words.renamed(name))} onClose={onClose} />;
    case "new-token":
      return <NewTokenDialog runner={question.runner} onMade={setUp} onClose={onClose} />;
    case "remove":
      return (
        <RemoveRunnerDialog runner={question.runner} onRemoved={() => finish(words.removed(question.runner.name))} onClose={onClose} />
      );
  }
}

/** The token and the command that it is for; closing it is the last one sees of the token. */
function SetUpDialog({
  name,
  exchangeToken,
  onClose,
}: {
  readonly name: string;
  readonly exchangeToken: string;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { planeUrl } = useManaged();
  const words = manage.runners;
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.setUpTitle(name)}
      description={words.setUpDetail}
      width="w-150"
      footer={
        <Button kind="primary" onClick={onClose}>
          {manage.done}
        </Button>
      }
    >
      {/* Arguments can be seen by other users of a computer, so the token is no part of the command. */}
      <CopyField
        label={words.command}
        value={`sudo berth runner setup --plane ${planeUrl} --exchange-token-file -`}
        hint={words.commandHint}
      />
      <CopyField label={words.token} value={exchangeToken} hint={words.tokenHint} />
    </Dialog>
  );
}

function NewTokenDialog({
  runner: { runnerId, name },
  onMade,
  onClose,
}: {
  readonly runner: Runner;
  readonly onMade: (name: string, exchangeToken: string) => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.runners;
  return (
    <FormDialog
      title={words.newTokenTitle(name)}
      description={words.newTokenDetail}
      submit={words.newTokenSubmit}
      kind="danger"
      stays
      onSubmit={async () => onMade(name, (await clients.runners.createRunnerToken({ runnerId })).exchangeToken)}
      onClose={onClose}
    />
  );
}

function DetailsDialog({
  runner: { name, runnerId, status, createdAt },
  onClose,
}: {
  readonly runner: Runner;
  readonly onClose: () => void;
}) {
  const { manage, shell } = useStrings();
  const formats = useFormats();
  const words = manage.runners;
  return (
    <Dialog open onClose={onClose} title={words.detailsTitle(name)} footer={<Button onClick={onClose}>{shell.close}</Button>}>
      <Facts
        rows={[
          { name: words.columns.state, value: words.phases[status?.phase ?? RunnerPhase.UNSPECIFIED] },
          ...((status?.message ?? "") === "" ? [] : [{ name: words.reason, value: status?.message }]),
          { name: words.columns.version, value: status?.version || manage.unknown },
          { name: words.system, value: status?.systemDetails || manage.unknown },
          { name: words.created, value: createdAt === undefined ? manage.unknown : formats.dateTime(timestampMs(createdAt)) },
          { name: words.id, value: <code className="font-mono text-sm">{runnerId}</code> },
        ]}
      />
    </Dialog>
  );
}
