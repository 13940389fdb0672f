import { useRef, useState } from "react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { fromConnectError } from "../../../contract/connect-error.ts";
import { EnvironmentPhase } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { useApp, useStrings } from "../../app/context.ts";
import { withRecent } from "../../store/preferences.ts";
import { contextUrlOf, type Source } from "./source.ts";

export interface Wish {
  readonly source: Source;
  readonly name: string;
  readonly devcontainerFilePath: string;
  readonly classId: string;
  /** The plane that makes it; empty: this computer. */
  readonly contextId: string;
}

/** Makes the environment and goes to its page, where one sees it start. */
export function useCreate(): { readonly create: (wish: Wish) => void; readonly creating: boolean; readonly error: BerthError | undefined } {
  const { clients, router, preferences, toasts } = useApp();
  const { newEnvironment: words } = useStrings();
  const createRemote = useCreateRemote();
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
  /** Does it, and goes to where one sees it start. */
  const carryOut = async (wish: Wish): Promise<void> => {
    if (wish.contextId === "") {
      router.replace({ page: "environment", id: await request(wish), tab: "overview" });
      return;
    }
    toasts.info(words.madeAtPlane(await createRemote(wish)));
    router.replace({ page: "environments" });
  };
  const create = (wish: Wish): void => {
    setCreating(true);
    setError(undefined);
    carryOut(wish).then(
      () => preferences.setState((now) => ({ recentSources: withRecent(now.recentSources, contextUrlOf(wish.source)) })),
      (thrown: unknown) => {
        setCreating(false);
        setError(fromConnectError(thrown));
      },
    );
  };
  return { create, creating, error };
}

/** Makes one at a plane and gives its name; the same wish again makes no second one. */
function useCreateRemote(): (wish: Wish) => Promise<string> {
  const { clients } = useApp();
  const last = useRef({ wish: "", creationId: "" });
  return async ({ source, name, devcontainerFilePath, classId, contextId }) => {
    const wanted = { contextId, url: contextUrlOf(source), name, devcontainerFilePath, classId };
    const wish = JSON.stringify(wanted);
    if (last.current.wish !== wish) last.current = { wish, creationId: crypto.randomUUID() };
    const { creationId } = last.current;
    const { environment } = await clients.contexts.createRemoteEnvironment({ ...wanted, creationId });
    last.current = { wish: "", creationId: "" };
    return environment?.name ?? "";
  };
}
