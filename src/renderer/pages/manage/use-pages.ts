import { useEffect, useMemo, useRef, useState } from "react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { fromConnectError } from "../../../contract/connect-error.ts";

/** As many as a plane gives at once. */
export const pageSize = 100;

/** More than that are asked for anew only when a person wants it. */
const maxRefreshedRows = 500;

/** One page of a list of the plane's. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Empty: there are no more. */
  readonly nextToken: string;
  /** How many there are in all, where the plane counts them. */
  readonly total?: number | undefined;
}

export type AskPage<Row> = (pagination: { readonly pageSize: number; readonly token: string }, signal: AbortSignal) => Promise<Page<Row>>;

/** The pages of a list that were asked for so far. */
export interface Pages<Row> {
  /** Undefined until the first answer. Those of an earlier question stay until the next one is answered. */
  readonly rows: readonly Row[] | undefined;
  readonly total: number | undefined;
  readonly error: BerthError | undefined;
  readonly busy: boolean;
  readonly hasMore: boolean;
  readonly more: () => void;
  /** Asks anew for as much as is shown. */
  readonly reload: () => void;
  /** The same by a clock: it is not told that it goes on. */
  readonly refresh: () => void;
}

interface State<Row> {
  readonly rows: readonly Row[] | undefined;
  readonly nextToken: string;
  readonly total: number | undefined;
  readonly error: BerthError | undefined;
  /** What was asked for last and answered. */
  readonly answered: unknown;
}

/** What is asked for: rows after those that are there, until there are as many as are wanted. */
interface Job<Row> {
  readonly ask: AskPage<Row>;
  readonly rows: readonly Row[];
  readonly token: string;
  readonly wanted: number;
  readonly quiet: boolean;
}

/** Asks for the first page when the screen comes, and for more when told to. `ask` is to be memoized; a new one asks anew. */
export function usePages<Row>(ask: AskPage<Row>): Pages<Row> {
  const [state, setState] = useState<State<Row>>({
    rows: undefined,
    nextToken: "",
    total: undefined,
    error: undefined,
    answered: undefined,
  });
  const first = useMemo((): Job<Row> => ({ ask, rows: [], token: "", wanted: 1, quiet: false }), [ask]);
  const [later, setLater] = useState<Job<Row> | undefined>();
  const job = later?.ask === ask ? later : first;
  useEffect(() => {
    const mine = new AbortController();
    pagesUpTo(job, mine.signal).then(
      ({ rows, nextToken, total }) => {
        if (!mine.signal.aborted) setState({ rows, nextToken, total, error: undefined, answered: job });
      },
      (error: unknown) => {
        if (!mine.signal.aborted) setState((before) => ({ ...before, error: fromConnectError(error), answered: job }));
      },
    );
    return () => mine.abort();
  }, [job]);
  const { rows, nextToken, total, error, answered } = state;
  const isAnswered = answered === job;
  const again = (quiet: boolean): void => setLater({ ...first, wanted: rows?.length ?? 1, quiet });
  return {
    rows,
    total,
    error,
    busy: !isAnswered && !job.quiet,
    hasMore: nextToken !== "",
    more: () => {
      if (isAnswered && rows !== undefined && nextToken !== "")
        setLater({ ask, rows, token: nextToken, wanted: rows.length + 1, quiet: false });
    },
    reload: () => again(false),
    refresh: () => {
      if (isAnswered && rows !== undefined && rows.length <= maxRefreshedRows) again(true);
    },
  };
}

/** Asks page by page until there are as many rows as are wanted, or no more. */
async function pagesUpTo<Row>(job: Job<Row>, signal: AbortSignal): Promise<Page<Row>> {
  const page = await job.ask({ pageSize, token: job.token }, signal);
  const rows = [...job.rows, ...page.rows];
  if (page.nextToken === "" || rows.length >= job.wanted) return { ...page, rows };
  return pagesUpTo({ ...job, rows, token: page.nextToken }, signal);
}

/** As `usePages`, and refreshed every so often while the window is seen: for what changes without being told. */
export function usePolledPages<Row>(ask: AskPage<Row>, intervalMs: number): Pages<Row> {
  const pages = usePages(ask);
  const refresh = useRef(pages.refresh);
  useEffect(() => {
    refresh.current = pages.refresh;
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) refresh.current();
    }, intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return pages;
}
