import type { PageTokens } from "./store/page-tokens.ts";
import type { PageRequest } from "./store/store.ts";
import { pageSizeOf } from "./store/view.ts";

/**
 * One page of a list in memory that is in the order of its keys. The token holds the key of the last item given, so that
 * nothing is lost or given twice when items come or go between two pages.
 */
export function paginate<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  request: PageRequest | undefined,
  { tokens, list }: { readonly tokens: PageTokens; readonly list: string },
): { readonly page: T[]; readonly nextToken: string } {
  const size = pageSizeOf(request);
  const last = request === undefined || request.token === "" ? undefined : tokens.read(request.token, list).id;
  const rest = items.filter((item) => last === undefined || keyOf(item) > last);
  const page = rest.slice(0, size);
  const end = page.at(-1);
  return { page, nextToken: rest.length > size && end !== undefined ? tokens.make({ orderKey: 0, id: keyOf(end) }, list) : "" };
}
