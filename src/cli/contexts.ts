import { BerthError } from "../contract/berth-error.ts";
import type { Context } from "../contract/gen/berth/v1/context_pb.js";
import type { HostClients } from "./connection.ts";

/** The context of this name, in any case, or id; the only one there is when none is named. Fails with `context-not-found`. */
export async function findContext({ contexts }: HostClients, wanted: string | undefined): Promise<Context> {
  const all = (await contexts.listContexts({})).contexts;
  const [only] = all;
  if (wanted === undefined) {
    if (only === undefined) throw new BerthError("context-not-found", "there is none yet: berth context add URL");
    if (all.length > 1)
      throw new BerthError("argument-invalid", `there are several: name one of ${all.map(({ name }) => name).join(", ")}`);
    return only;
  }
  const found = all.find(({ contextId, name }) => contextId === wanted || name.toLowerCase() === wanted.toLowerCase());
  if (found === undefined) throw new BerthError("context-not-found", `'${wanted}'`);
  return found;
}
