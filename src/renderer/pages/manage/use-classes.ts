import { useCallback } from "react";
import type { EnvironmentClass } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Call, useCall } from "../../api/use-call.ts";
import { useManaged } from "./manage-context.ts";
import { pageSize } from "./use-pages.ts";

/** Those of some hundred runners; what is beyond has its id for a name. */
const maxPages = 10;

/** The environment classes that somebody sees, for their names, by id. */
export function useClasses(): Call<ReadonlyMap<string, EnvironmentClass>> {
  const { clients } = useManaged();
  return useCall(
    useCallback(
      async (signal: AbortSignal): Promise<ReadonlyMap<string, EnvironmentClass>> => {
        const classes = new Map<string, EnvironmentClass>();
        let token = "";
        for (let page = 0; page < maxPages; page++) {
          const answer = await clients.runnerConfiguration.listEnvironmentClasses({ pagination: { pageSize, token } }, { signal });
          for (const one of answer.environmentClasses) classes.set(one.id, one);
          token = answer.pagination?.nextToken ?? "";
          if (token === "") break;
        }
        return classes;
      },
      [clients],
    ),
  );
}
