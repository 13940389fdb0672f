import { useCallback } from "react";
import type { Secret } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import { type Call, useCall } from "../../api/use-call.ts";
import { useApp } from "../../app/context.ts";

const pageSize = 100;
/** More pages than anybody has secrets for. */
const maxPages = 50;

/** All secrets, without their values, by name. */
export function useSecrets(): Call<readonly Secret[]> {
  const { clients } = useApp();
  return useCall(
    useCallback(
      async (signal: AbortSignal): Promise<readonly Secret[]> => {
        const all: Secret[] = [];
        let token = "";
        for (let page = 0; page < maxPages; page++) {
          const answer = await clients.secrets.listSecrets({ pagination: { pageSize, token } }, { signal });
          all.push(...answer.secrets);
          token = answer.pagination?.nextToken ?? "";
          if (token === "") break;
        }
        return all.toSorted((a, b) => a.name.localeCompare(b.name));
      },
      [clients],
    ),
  );
}
