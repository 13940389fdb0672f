import { useAppState, useStrings } from "../../app/context.ts";
import type { ContextUrl } from "../../../contract/context-url.ts";
import type { Context } from "../../../contract/gen/berth/v1/context_pb.js";
import { MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import type { Strings } from "../../i18n/strings.ts";
import { Link } from "../../ui/link.tsx";
import { Facts } from "../../ui/row.tsx";
import { contextUrlOf, type Source } from "./source.ts";

/** What was understood, and what will happen because of it. */
export function Preview({
  source,
  hasOwnMachine,
  context,
}: {
  readonly source: Source;
  readonly hasOwnMachine: boolean;
  /** The plane that makes it; undefined: this computer. */
  readonly context: Context | undefined;
}) {
  const { newEnvironment: words } = useStrings();
  if (source.kind !== "repository" && source.kind !== "folder") return null;
  return (
    <>
      {context === undefined ? <Existing source={source} /> : null}
      <Facts rows={source.kind === "folder" ? [{ name: words.facts.folder, value: source.path }] : factsOf(source.context, words)} />
      {context === undefined ? (
        <WhatWillHappen source={source} hasOwnMachine={hasOwnMachine} />
      ) : source.kind === "repository" ? (
        <Steps steps={[words.steps.runner(context.name), cloneStep(source.context, words), words.steps.build, words.steps.listed]} />
      ) : null}
    </>
  );
}

function factsOf(context: ContextUrl, { facts }: Strings["newEnvironment"]) {
  const { host, owner, repository, branch, tag, commit, pullRequest, issue } = context;
  return [
    { name: facts.host, value: host },
    { name: facts.repository, value: [owner, repository].filter((part) => part !== "").join("/") },
    { name: facts.branch, value: branch },
    { name: facts.tag, value: tag },
    { name: facts.commit, value: commit },
    { name: facts.pullRequest, value: pullRequest },
    { name: facts.issue, value: issue },
  ].filter(({ value }) => value !== "");
}

function Existing({ source }: { readonly source: Source }) {
  const { newEnvironment: words } = useStrings();
  const contextUrl = contextUrlOf(source);
  const existing = useAppState((state) =>
    [...state.environments.values()].find((view) => view.environment.metadata?.originalContextUrl === contextUrl),
  );
  if (existing === undefined) return null;
  return (
    <p role="status" className="flex items-center gap-3 rounded-md bg-accent-soft px-3 py-2">
      <span className="min-w-0 flex-1">{words.existing(existing.environment.metadata?.name ?? "")}</span>
      <Link to={{ page: "environment", id: existing.id, tab: "overview" }} className="font-medium text-accent underline">
        {words.openExisting}
      </Link>
    </p>
  );
}

function WhatWillHappen({ source, hasOwnMachine }: { readonly source: Source; readonly hasOwnMachine: boolean }) {
  const { newEnvironment: words } = useStrings();
  const machineRuns = useAppState((state) => state.machine?.state === MachineState.READY);
  // As many lines whatever the machine does meanwhile: what is below must not move away from under a click.
  const steps = [
    hasOwnMachine ? words.steps.makeMachine : machineRuns ? words.steps.machineRuns : words.steps.startMachine,
    source.kind === "folder" ? words.steps.copy(source.path) : source.kind === "repository" ? cloneStep(source.context, words) : "",
    words.steps.build,
    words.steps.open,
  ].filter((step) => step !== "");
  return <Steps steps={steps} />;
}

function Steps({ steps }: { readonly steps: readonly string[] }) {
  const { newEnvironment: words } = useStrings();
  return (
    <section>
      <h2 className="mb-1 font-medium">{words.will}</h2>
      <ol className="flex list-decimal flex-col gap-0.5 pl-5 text-muted">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </section>
  );
}

function cloneStep(context: ContextUrl, words: Strings["newEnvironment"]): string {
  const { repository, branch, tag, commit, pullRequest, issue } = context;
  const at =
    pullRequest !== ""
      ? words.atPullRequest(pullRequest)
      : branch !== ""
        ? words.atBranch(branch)
        : tag !== ""
          ? words.atTag(tag)
          : commit !== ""
            ? words.atCommit(commit.slice(0, 12))
            : issue !== ""
              ? words.forIssue(issue)
              : "";
  return words.steps.clone(repository, at);
}
