import { useEffect, useMemo, useState } from "react";
import { useManaged } from "./manage-context.ts";

/** As many ids as a question may name. */
const maxIdsAtOnce = 25;

/** What members with these ids are called; empty for those who are no members any more, and absent while it is not known. */
export function useMemberNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const { clients, organizationId } = useManaged();
  const [known, setKnown] = useState<ReadonlyMap<string, string>>(() => new Map());
  const wanted = useMemo(
    () =>
      [...new Set(ids)]
        .filter((id) => id !== "" && !known.has(id))
        .slice(0, maxIdsAtOnce)
        .join(),
    [ids, known],
  );
  useEffect(() => {
    if (wanted === "") return undefined;
    const abort = new AbortController();
    const userIds = wanted.split(",");
    const tell = (names: ReadonlyMap<string, string>): void => {
      if (!abort.signal.aborted) setKnown((before) => new Map([...before, ...userIds.map((id) => [id, names.get(id) ?? ""] as const)]));
    };
    clients.organizations
      .listMembers({ organizationId, filter: { userIds }, pagination: { pageSize: maxIdsAtOnce } }, { signal: abort.signal })
      .then(({ members }) => tell(new Map(members.map(({ userId, fullName }) => [userId, fullName]))))
      // Ids stand in place of names then.
      .catch(() => tell(new Map()));
    return () => abort.abort();
  }, [clients, organizationId, wanted]);
  return known;
}
