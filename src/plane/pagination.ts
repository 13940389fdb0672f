import { BerthError } from "../contract/berth-error.ts";

const defaultPageSize = 25;
const maxPageSize = 100;
const keyPattern = /^[0-9a-z/-]+$/;

/**
 * One page of a list that is in the order of its keys. The token holds the key of the last item given, so that
 * nothing is lost or given twice when items come or go between two pages.
 */
export function paginate<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  request: { readonly pageSize: number; readonly token: string } | undefined,
  order: "ascending" | "descending" = "ascending",
): { readonly page: T[]; readonly nextToken: string } {
  const size = Math.min(maxPageSize, request === undefined || request.pageSize <= 0 ? defaultPageSize : request.pageSize);
  const last = request === undefined || request.token === "" ? undefined : Buffer.from(request.token, "base64url").toString();
  if (last !== undefined && !keyPattern.test(last))
    throw new BerthError("request-invalid", "pagination.token was not given by this server");
  const isBehind = (item: T): boolean => last === undefined || (order === "ascending" ? keyOf(item) > last : keyOf(item) < last);
  const rest = items.filter(isBehind);
  const page = rest.slice(0, size);
  const end = page.at(-1);
  return { page, nextToken: rest.length > size && end !== undefined ? Buffer.from(keyOf(end)).toString("base64url") : "" };
}
