import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "react";
import type { GetEnvironmentUsageResponse } from "../../../../contract/gen/berth/v1/host_pb.js";
import { useApp } from "../../../app/context.ts";

const intervalMs = 2000;
const maxSamples = 60;
const nanosecondsPerMs = 1e6;

export interface UsageSample {
  readonly atMs: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

export interface UsageHistory {
  /** Oldest first. */
  readonly samples: readonly UsageSample[];
  readonly latest: GetEnvironmentUsageResponse | undefined;
}

/** What an environment used during the last two minutes, for as long as it is looked at. */
export function useUsage(environmentId: string): UsageHistory {
  const { clients } = useApp();
  const [history, setHistory] = useState<UsageHistory>({ samples: [], latest: undefined });
  useEffect(() => {
    const ended = new AbortController();
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      const latest = await clients.workspaces.getEnvironmentUsage({ environmentIds: [environmentId] }, { signal: ended.signal });
      setHistory(({ samples }) => ({ latest, samples: withSample(samples, latest) }));
    };
    // Without an answer the graph stands still; that the host is gone is told above the page.
    const lookAgain = (): void => void look().catch(() => undefined);
    lookAgain();
    const timer = setInterval(lookAgain, intervalMs);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [clients, environmentId]);
  return history;
}

function withSample(samples: readonly UsageSample[], { environments, sampledAt }: GetEnvironmentUsageResponse): readonly UsageSample[] {
  const [usage] = environments;
  if (usage === undefined || sampledAt === undefined) return samples;
  const sample = { atMs: timestampMs(sampledAt), cpuNanoseconds: Number(usage.cpuNanoseconds), memoryBytes: Number(usage.memoryBytes) };
  return [...samples, sample].slice(-maxSamples);
}

/** Processors at work between each sample and the one before it; a container that was started anew counts from zero. */
export function cpuLoads(samples: readonly UsageSample[]): number[] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index];
    if (before === undefined || sample.atMs <= before.atMs) return 0;
    return Math.max(0, (sample.cpuNanoseconds - before.cpuNanoseconds) / nanosecondsPerMs / (sample.atMs - before.atMs));
  });
}
