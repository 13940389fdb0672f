import { useEffect, useState } from "react";
import type { EnvironmentClass } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { useApp } from "../../app/context.ts";

/** The classes an environment can be made of, the usual one first; undefined before they are known, none when that failed. */
export function useClasses(): readonly EnvironmentClass[] | undefined {
  const { clients, toasts } = useApp();
  const [classes, setClasses] = useState<readonly EnvironmentClass[]>();
  useEffect(() => {
    const ended = new AbortController();
    clients.environments.listEnvironmentClasses({}, { signal: ended.signal }).then(
      (answer) => setClasses(answer.environmentClasses.filter((c) => c.enabled)),
      (error: unknown) => {
        if (ended.signal.aborted) return;
        setClasses([]);
        toasts.failed(error);
      },
    );
    return () => ended.abort();
  }, [clients, toasts]);
  return classes;
}
