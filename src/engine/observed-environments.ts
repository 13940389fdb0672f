import { toBinary } from "@bufbuild/protobuf";
import { type ObservedEnvironment, ObservedEnvironmentSchema, type WatchEnvironmentsResponse } from "../contract/gen/berth/v1/agent_pb.js";

/** What the host remembers of a machine, which is not trusted: more than any real one has. */
const maxEnvironments = 512;
const maxEnvironmentBytes = 1024 ** 2;
const maxWarnings = 20;
const maxWarningLength = 500;

/** What a machine told last of the environments it holds. */
export class ObservedEnvironments {
  readonly #known = new Map<string, ObservedEnvironment>();
  #warnings: readonly string[] = [];

  get(id: string): ObservedEnvironment | undefined {
    return this.#known.get(id);
  }

  /** What is wrong with the machine as a whole. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  clear(): void {
    this.#known.clear();
    this.#warnings = [];
  }

  /** True when what is wrong with the machine changed. Fails when the machine tells more than any real one has. */
  keep(change: WatchEnvironmentsResponse): boolean {
    for (const environment of change.environments) {
      const size = toBinary(ObservedEnvironmentSchema, environment).length;
      if (size > maxEnvironmentBytes) throw new Error(`the machine tells ${size} bytes of one environment`);
      this.#known.set(environment.environmentId, environment);
    }
    for (const id of change.removedEnvironmentIds) this.#known.delete(id);
    if (this.#known.size > maxEnvironments) throw new Error(`the machine tells of more than ${maxEnvironments} environments`);
    const before = this.#warnings.join("\n");
    this.#warnings = change.machineWarnings.slice(0, maxWarnings).map((warning) => warning.slice(0, maxWarningLength));
    return this.#warnings.join("\n") !== before;
  }
}
