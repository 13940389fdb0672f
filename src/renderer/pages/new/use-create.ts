import { useState } from "react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { fromConnectError } from "../../../contract/connect-error.ts";
import { EnvironmentPhase } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { useApp } from "../../app/context.ts";
import { withRecent } from "../../store/preferences.ts";
import { contextUrlOf, type Source } from "./source.ts";

export interface Wish {
  readonly source: Source;
  readonly name: string;
  readonly devcontainerFilePath: string;
  readonly classId: string;
}

/** Makes the environment and goes to its page, where one sees it start. */
export function useCreate(): { readonly create: (wish: Wish) => void; readonly creating: boolean; readonly error: BerthError | undefined } {
  const { clients, router, preferences } = useApp();
  const [creating, setCreating] = useState(false);
  const [error, setError] = useState<BerthError | undefined>();
  const request = async ({ source, name, devcontainerFilePath, classId }: Wish): Promise<string> => {
    if (source.kind === "folder")
      return (await clients.workspaces.createFromFolder({ folder: source.path, name, devcontainerFilePath, classId })).environmentId;
    const { environment } = await clients.environments.createEnvironment({
      ...(name === "" ? {} : { name }),
      spec: {
        desiredPhase: EnvironmentPhase.RUNNING,
        machine: { class: classId },
        devcontainer: { devcontainerFilePath },
        content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: contextUrlOf(source) } } }] } },
      },
    });
    return environment?.id ?? "";
  };
  const create = (wish: Wish): void => {
    setCreating(true);
    setError(undefined);
    request(wish).then(
      (id) => {
        preferences.setState((now) => ({ recentSources: withRecent(now.recentSources, contextUrlOf(wish.source)) }));
        router.replace({ page: "environment", id, tab: "overview" });
      },
      (thrown: unknown) => {
        setCreating(false);
        setError(fromConnectError(thrown));
      },
    );
  };
  return { create, creating, error };
}
