import { useCallback } from "react";
import { ListEnvironmentsRequest_ArchivalStatus } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { type Call, useCall } from "../../api/use-call.ts";
import { useManaged } from "./manage-context.ts";

/** How many environments are on a runner, archived ones too; undefined where the plane does not count. */
export function useEnvironmentCount(runnerId: string): Call<number | undefined> {
  const { clients } = useManaged();
  return useCall(
    useCallback(
      async (signal: AbortSignal) => {
        const filter = { runnerIds: [runnerId], archivalStatus: ListEnvironmentsRequest_ArchivalStatus.ALL };
        const wanted = { filter, count: { include: true }, pagination: { pageSize: 1 } };
        return (await clients.environments.listEnvironments(wanted, { signal })).count?.value;
      },
      [clients, runnerId],
    ),
  );
}
