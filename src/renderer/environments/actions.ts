import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentAction } from "../../contract/environment-can.ts";
import type { App } from "../app/context.ts";
import type { AppStore } from "../store/store.ts";

/** How long a restart waits for the stop. */
const stopTimeoutMs = 120_000;

type Parts = Pick<App, "clients" | "toasts" | "store">;

/** What can be done with environments; every failure is told to the person, and nothing is thrown. */
export class EnvironmentActions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(ids: readonly string[]): Promise<void> {
    await this.#each(ids, async (environmentId) => this.#parts.clients.environments.startEnvironment({ environmentId }));
  }

  async stop(ids: readonly string[]): Promise<void> {
    await this.#each(ids, async (environmentId) => this.#parts.clients.environments.stopEnvironment({ environmentId }));
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.#each(ids, async (environmentId) => this.#parts.clients.environments.deleteEnvironment({ environmentId }));
  }

  async restart(environmentId: string): Promise<void> {
    await this.#each([environmentId], async () => {
      await this.#parts.clients.environments.stopEnvironment({ environmentId });
      await whenStopped(this.#parts.store, environmentId);
      await this.#parts.clients.environments.startEnvironment({ environmentId });
    });
  }

  /** Makes the dev container anew; `devcontainerFilePath` chooses another configuration. */
  async rebuild(
    environmentId: string,
    options: { readonly noCache?: boolean; readonly devcontainerFilePath?: string } = {},
  ): Promise<void> {
    await this.#each([environmentId], async () => this.#parts.clients.workspaces.rebuild({ environmentId, ...options }));
  }

  /** Throws, so that a form can say what is wrong with the name. */
  async rename(environmentId: string, name: string): Promise<void> {
    await this.#parts.clients.environments.updateEnvironment({ environmentId, metadata: { name } });
  }

  async openEditor(environmentId: string, editor: { readonly id: string }): Promise<void> {
    await this.#each([environmentId], async () => {
      const { clients, store } = this.#parts;
      // The editor finds the environment by what this writes.
      await clients.workspaces.getSshConfig({ environmentId });
      const desktop = window.berthDesktop;
      if (desktop !== undefined) {
        const reason = await desktop.openEditor(environmentId, editor.id);
        if (reason !== undefined) throw new BerthError("editor-unknown", reason);
        return;
      }
      const organizationId = store.getState().environments.get(environmentId)?.environment.metadata?.organizationId ?? "";
      const { url } = await clients.editors.resolveEditorURL({ editorId: editor.id, environmentId, organizationId });
      window.location.assign(url);
    });
  }

  async #each(ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<void> {
    const results = await Promise.allSettled(ids.map(act));
    for (const result of results) if (result.status === "rejected") this.#parts.toasts.failed(result.reason);
  }
}

/** Waits until an environment is stopped. Fails with `timeout`. */
async function whenStopped(store: AppStore, id: string): Promise<void> {
  const isStopped = (): boolean => store.getState().environments.get(id)?.environment.status?.phase === EnvironmentPhase.STOPPED;
  if (isStopped()) return;
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      unsubscribe();
    };
    const unsubscribe = store.subscribe(() => {
      if (!isStopped()) return;
      end();
      resolve();
    });
    const timer = setTimeout(() => {
      end();
      reject(new BerthError("timeout", "it did not stop"));
    }, stopTimeoutMs);
  });
}

/** Actions that many environments can be put to at once. */
export const bulkActions = ["start", "stop", "delete"] as const satisfies readonly EnvironmentAction[];
export type BulkAction = (typeof bulkActions)[number];
