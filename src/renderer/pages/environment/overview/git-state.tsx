import { FileChange_ChangeType } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { useCopy, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { Facts } from "../../../ui/row.tsx";

const shortHashLength = 10;
const maxShown = 20;

/** A letter for each change, as git has them. */
const letters: Readonly<Record<FileChange_ChangeType, string>> = {
  [FileChange_ChangeType.UNSPECIFIED]: "·",
  [FileChange_ChangeType.ADDED]: "A",
  [FileChange_ChangeType.MODIFIED]: "M",
  [FileChange_ChangeType.DELETED]: "D",
  [FileChange_ChangeType.RENAMED]: "R",
  [FileChange_ChangeType.COPIED]: "C",
  [FileChange_ChangeType.UPDATED_BUT_UNMERGED]: "U",
  [FileChange_ChangeType.UNTRACKED]: "?",
};

/** What is in the working copy and nowhere else. */
export function GitState({ row }: { readonly row: EnvironmentRow }) {
  const { environment, environments } = useStrings();
  const words = environment.overview;
  const copy = useCopy();
  const git = row.view.environment.status?.content?.git;
  const work = [
    ...(row.changed > 0 ? [environments.changed(row.changed)] : []),
    ...(row.unpushed > 0 ? [environments.unpushed(row.unpushed)] : []),
  ];
  if (git === undefined) return <p className="text-muted">{words.noGit}</p>;
  return (
    <div className="flex flex-col gap-2">
      <Facts
        rows={[
          { name: words.repository, value: git.cloneUrl === "" ? row.project : git.cloneUrl },
          { name: words.branch, value: git.branch },
          {
            name: words.commit,
            value: (
              <button
                type="button"
                title={words.copyCommit}
                onClick={() => copy(git.latestCommit)}
                className="font-mono text-sm hover:underline"
              >
                {git.latestCommit.slice(0, shortHashLength)}
              </button>
            ),
          },
          {
            name: words.work,
            value: work.length === 0 ? words.allPushed : work.join(", "),
          },
        ]}
      />
      {git.changedFiles.length === 0 ? null : (
        <details className="rounded-md border">
          <summary className="px-3 py-1.5 hover:bg-hover">{environments.changed(row.changed)}</summary>
          <ul className="border-t px-3 py-1.5 font-mono text-sm select-text">
            {git.changedFiles.slice(0, maxShown).map(({ path, changeType }) => (
              <li key={path} className="truncate">
                <span className="mr-2 text-warn">{letters[changeType]}</span>
                {path}
              </li>
            ))}
            {row.changed > maxShown ? <li className="font-sans text-muted">{environments.delete.more(row.changed - maxShown)}</li> : null}
          </ul>
        </details>
      )}
      {git.unpushedCommits.length === 0 ? null : (
        <details className="rounded-md border">
          <summary className="px-3 py-1.5 hover:bg-hover">{environments.unpushed(row.unpushed)}</summary>
          <ul className="border-t px-3 py-1.5 text-sm select-text">
            {git.unpushedCommits.slice(0, maxShown).map((commit) => (
              <li key={commit} className="truncate">
                {commit}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
