import { join } from "node:path";

/** Where the parts of a runner are below its home. */
export interface RunnerPaths {
  readonly home: string;
  readonly config: string;
  /** What makes this computer the runner that it is; 0600. */
  readonly credential: string;
  /** The environments that the plane wants here, as known last. */
  readonly environmentCache: string;
  /** The classes of those environments. */
  readonly classCache: string;
  readonly versions: string;
  /** A link to the version that runs, or is tried. */
  readonly current: string;
  /** A link to the version that has proved itself; the service starts from here. */
  readonly good: string;
  readonly updateState: string;
  readonly metricsSocket: string;
}

export function runnerPaths(home: string): RunnerPaths {
  return {
    home,
    config: join(home, "runner.json"),
    credential: join(home, "keys", "runner.json"),
    environmentCache: join(home, "store", "runner-environments.bin"),
    classCache: join(home, "store", "runner-classes.bin"),
    versions: join(home, "versions"),
    current: join(home, "current"),
    good: join(home, "good"),
    updateState: join(home, "update.json"),
    metricsSocket: join(home, "run", "metrics.sock"),
  };
}
