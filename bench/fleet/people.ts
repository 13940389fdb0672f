import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { setTimeout as delay } from "node:timers/promises";
import { type Environment, EnvironmentPhase, EnvironmentService } from "../../src/contract/gen/gitpod/v1/environment_pb.js";

const pageSize = 100;

/** What people do meanwhile, one call after the other. */
export class People {
  readonly #client: Client<typeof EnvironmentService>;

  constructor({ url, ca, token }: { readonly url: string; readonly ca: Buffer; readonly token: string }) {
    const transport = createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      nodeOptions: { ca },
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    this.#client = createClient(EnvironmentService, transport);
  }

  /** Creates an environment in each interval until the signal aborts; how long each took, in milliseconds. */
  async create(classIds: readonly string[], intervalMs: number, signal: AbortSignal): Promise<number[]> {
    const durations: number[] = [];
    for (let n = 0; !signal.aborted; n++) {
      const url = "https://github.com/o/r";
      const content = { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } };
      const spec = { content, machine: { class: classIds[n % classIds.length] ?? "" } };
      durations.push(await timed(async () => this.#client.createEnvironment({ name: `made ${n} at ${Date.now()}`, spec })));
      await delay(intervalMs);
    }
    return durations;
  }

  /** Lists all running environments; how long each page took, in milliseconds, and what was listed. */
  async list(): Promise<{ readonly durations: number[]; readonly environments: Environment[] }> {
    const durations: number[] = [];
    const environments: Environment[] = [];
    let token = "";
    do {
      const request = { pagination: { pageSize, token }, filter: { statusPhases: [EnvironmentPhase.RUNNING] } };
      durations.push(
        await timed(async () => {
          const page = await this.#client.listEnvironments(request);
          environments.push(...page.environments);
          token = page.pagination?.nextToken ?? "";
        }),
      );
    } while (token !== "");
    return { durations, environments };
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}
