import { Code, ConnectError } from "@connectrpc/connect";

const defaultPageSize = 25;
const maxPageSize = 100;

/** One page of a list; the token names the last item given, so that inserts between two pages lose nothing. */
export function paginate<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  request: { readonly pageSize: number; readonly token: string } | undefined,
): { readonly page: T[]; readonly nextToken: string } {
  const size = Math.min(maxPageSize, request === undefined || request.pageSize <= 0 ? defaultPageSize : request.pageSize);
  let start = 0;
  if (request !== undefined && request.token !== "") {
    const last = Buffer.from(request.token, "base64url").toString();
    const at = items.findIndex((item) => idOf(item) === last);
    if (!/^[0-9a-z-]+$/.test(last)) throw new ConnectError("the page token was not made here", Code.InvalidArgument);
    start = at < 0 ? items.filter((item) => idOf(item) <= last).length : at + 1;
  }
  const page = items.slice(start, start + size);
  const end = page.at(-1);
  return { page, nextToken: start + size < items.length && end !== undefined ? Buffer.from(idOf(end)).toString("base64url") : "" };
}
