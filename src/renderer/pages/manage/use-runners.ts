import { useCallback } from "react";
import type { Runner } from "../../../contract/gen/gitpod/v1/runner_pb.js";
import { type Call, useCall } from "../../api/use-call.ts";
import { useManaged } from "./manage-context.ts";
import { pageSize } from "./use-pages.ts";

/** More can be seen under Runners, page by page; here they are names to choose from. */
const maxPages = 10;

/** The runners that somebody sees, for their names. */
export function useRunners(): Call<readonly Runner[]> {
  const { clients } = useManaged();
  return useCall(
    useCallback(
      async (signal: AbortSignal): Promise<readonly Runner[]> => {
        const runners: Runner[] = [];
        let token = "";
        for (let page = 0; page < maxPages; page++) {
          const answer = await clients.runners.listRunners({ pagination: { pageSize, token } }, { signal });
          runners.push(...answer.runners);
          token = answer.pagination?.nextToken ?? "";
          if (token === "") break;
        }
        return runners.toSorted((a, b) => a.name.localeCompare(b.name));
      },
      [clients],
    ),
  );
}
