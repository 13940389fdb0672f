import { FileText, Play, RefreshCw, Settings2, SquareTerminal, TriangleAlert } from "lucide-react";
import { type ReactNode, useId } from "react";
import { errorCatalogue } from "../../../../contract/error-catalogue.ts";
import { EnvironmentPhase } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { type Question, useActions, useWhyNot } from "../../../environments/row-menu.tsx";
import { statusError } from "../../../environments/status-error.ts";
import type { EnvironmentTab } from "../../../router/routes.ts";
import { Button } from "../../../ui/button.tsx";
import { ErrorState } from "../../../ui/states.tsx";

interface NoticesProps {
  readonly row: EnvironmentRow;
  readonly ask: (question: Question) => void;
  readonly goTo: (tab: EnvironmentTab) => void;
}

/** What a person should know before they go on: what failed, what differs from what they asked for, and what to do. */
export function Notices({ row, ask, goTo }: NoticesProps) {
  const { environment, environments } = useStrings();
  const words = environment.notices;
  const heading = useId();
  const whyNot = useWhyNot();
  const { status } = row.view.environment;
  const devcontainer = status?.devcontainer;
  const rebuild = (
    <Button icon={RefreshCw} disabledReason={whyNot("rebuild", row)} onClick={() => ask({ kind: "rebuild", row })}>
      {environments.actions.rebuild}
    </Button>
  );
  const choice = row.state === "choice";
  const drifted = row.state === "running" && devcontainer?.devcontainerconfigInSync === false;
  if (!choice && row.failure === "" && !drifted && (status?.warningMessage ?? []).length === 0) return null;
  return (
    <section aria-labelledby={heading} className="flex flex-col gap-5">
      <h2 id={heading} className="sr-only">
        {words.title}
      </h2>
      {choice ? (
        <Notice title={environments.choice.title(row.name)} detail={environments.choice.detail}>
          <Button kind="primary" icon={Settings2} onClick={() => ask({ kind: "choice", row })}>
            {environments.actions.choose}
          </Button>
        </Notice>
      ) : null}
      {choice || row.failure === "" ? null : <Failure row={row} ask={ask} goTo={goTo} />}
      {drifted ? (
        <Notice title={words.drifted} detail={words.driftedDetail(devcontainer.devcontainerFilePath)}>
          {rebuild}
        </Notice>
      ) : null}
      {(status?.warningMessage ?? []).map((warning) => (
        <Warning key={warning} warning={warning} goTo={goTo} />
      ))}
    </section>
  );
}

function Failure({ row, ask, goTo }: NoticesProps) {
  const { environment, environments, shell } = useStrings();
  const words = environment.notices;
  const actions = useActions();
  const whyNot = useWhyNot();
  const error = statusError(row.failure);
  const recovery = row.state === "recovery";
  const { action, again } = retryOf(row, actions, ask);
  return (
    <ErrorState
      error={error}
      actions={
        <>
          {recovery ? (
            <>
              <Button kind="primary" icon={SquareTerminal} onClick={() => goTo("terminal")}>
                {words.openTerminal}
              </Button>
              <Button icon={RefreshCw} disabledReason={whyNot("rebuild", row)} onClick={() => ask({ kind: "rebuild", row })}>
                {environments.actions.rebuild}
              </Button>
            </>
          ) : (
            <Button kind="primary" icon={Play} disabledReason={whyNot(action, row)} onClick={again}>
              {shell.retry}
            </Button>
          )}
          <Button icon={FileText} onClick={() => goTo("logs")}>
            {words.showLog}
          </Button>
        </>
      }
    />
  );
}

/** What failed, once more; a delete asks again, since it may cost work. */
function retryOf(row: EnvironmentRow, actions: ReturnType<typeof useActions>, ask: NoticesProps["ask"]) {
  switch (row.view.environment.spec?.desiredPhase) {
    case EnvironmentPhase.DELETED:
      return { action: "delete", again: () => ask({ kind: "delete", rows: [row] }) } as const;
    case EnvironmentPhase.STOPPED:
      return { action: "stop", again: () => void actions.stop([row.id]) } as const;
    default:
      return { action: "start", again: () => void actions.start([row.id]) } as const;
  }
}

function Warning({ warning, goTo }: { readonly warning: string; readonly goTo: (tab: EnvironmentTab) => void }) {
  const { environment } = useStrings();
  const { code, detail } = statusError(warning);
  const entry = errorCatalogue[code];
  return (
    <Notice title={entry.title} detail={`${detail} ${entry.whatToTry}`}>
      <Button icon={FileText} onClick={() => goTo("logs")}>
        {environment.notices.showLog}
      </Button>
    </Notice>
  );
}

function Notice({ title, detail, children }: { readonly title: string; readonly detail: string; readonly children: ReactNode }) {
  return (
    <section role="status" className="flex gap-3 rounded-md border border-warn bg-warn-soft p-4">
      <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-warn" />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <h3 className="font-semibold">{title}</h3>
        <p className="break-words select-text">{detail}</p>
        <div className="mt-2 flex flex-wrap gap-2">{children}</div>
      </div>
    </section>
  );
}
