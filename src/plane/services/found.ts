import type { DescMessage } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import type { Kind } from "../store/kind.ts";
import type { Reader, Stored } from "../store/store.ts";

/** The record with this id. Fails with `resource-not-found`, which says the same of what is another organization's. */
export async function found<Desc extends DescMessage>(reader: Reader, kind: Kind<Desc>, id: string, what: string): Promise<Stored<Desc>> {
  const stored = await reader.get(kind, id);
  if (stored === undefined) throw new BerthError("resource-not-found", `there is no ${what} ${id}`);
  return stored;
}
