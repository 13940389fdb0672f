import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { setTimeout as delay } from "node:timers/promises";
import { EventService, ResourceOperation, ResourceType } from "../../src/contract/gen/gitpod/v1/event_pb.js";

const retryMs = 200;

/** When statuses were written, and when somebody who watches was told of them. */
export class Latencies {
  readonly values: number[] = [];
  readonly #writtenAtMs = new Map<string, number>();

  /** Statuses of which nobody has been told yet. */
  get pending(): number {
    return this.#writtenAtMs.size;
  }

  /** Two statuses of one environment before it is told of are one event. */
  written(environmentId: string): void {
    if (!this.#writtenAtMs.has(environmentId)) this.#writtenAtMs.set(environmentId, performance.now());
  }

  told(environmentId: string): void {
    const writtenAtMs = this.#writtenAtMs.get(environmentId);
    if (writtenAtMs === undefined) return;
    this.#writtenAtMs.delete(environmentId);
    this.values.push(performance.now() - writtenAtMs);
  }
}

/** Watches all environments at one server until the signal aborts, again whenever the stream ends. Resolves once it watches. */
export async function watch(
  options: { readonly url: string; readonly ca: Buffer; readonly token: string; readonly latencies: Latencies },
  signal: AbortSignal,
): Promise<void> {
  const { url, ca, token, latencies } = options;
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1", nodeOptions: { ca } });
  const client = createClient(EventService, transport);
  const headers = { authorization: `Bearer ${token}` };
  const request = {
    scope: { case: "organization" as const, value: true },
    resourceTypeFilters: [{ resourceType: ResourceType.ENVIRONMENT }],
  };
  const opened = Promise.withResolvers<void>();
  const keepWatching = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const onHeader = (): void => opened.resolve();
        for await (const { operation, resourceId } of client.watchEvents(request, { headers, signal, onHeader }))
          if (operation === ResourceOperation.UPDATE_STATUS) latencies.told(resourceId);
      } catch {
        // The server was killed; it is started again at the same address.
      }
      if (!signal.aborted) await delay(retryMs);
    }
  };
  void keepWatching();
  await Promise.race([opened.promise, delay(5000)]);
}
