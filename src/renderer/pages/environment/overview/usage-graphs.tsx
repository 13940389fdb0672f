import { useFormats, useStrings } from "../../../app/context.ts";
import { Meter } from "../../../ui/meter.tsx";
import { Skeleton } from "../../../ui/states.tsx";
import { Sparkline } from "./sparkline.tsx";
import { cpuLoads, useUsage } from "./use-usage.ts";

const shownSamples = 60;
const percent = 100;

/** CPU, memory and disk of an environment. */
export function UsageGraphs({ environmentId }: { readonly environmentId: string }) {
  const { environment } = useStrings();
  const words = environment.usage;
  const formats = useFormats();
  const { samples, latest } = useUsage(environmentId);
  const [usage] = latest?.environments ?? [];
  if (latest === undefined || usage === undefined) return <Skeleton className="h-32" />;
  const loads = cpuLoads(samples);
  const load = loads.at(-1) ?? 0;
  const memoryTotal = Number(usage.memoryLimitBytes === 0n ? latest.machineMemoryTotalBytes : usage.memoryLimitBytes);
  const disk = Number(usage.workingCopyBytes + usage.containerBytes);
  return (
    <div className="flex flex-col gap-3 rounded-md border p-3">
      <Graph
        label={words.cpu}
        shown={words.cpuShown(formats.number(Math.round(load * percent)), latest.machineCpus)}
        values={loads}
        max={Math.max(1, latest.machineCpus)}
      />
      <Graph
        label={words.memory}
        shown={words.of(formats.bytes(Number(usage.memoryBytes)), formats.bytes(memoryTotal))}
        values={samples.map((sample) => sample.memoryBytes)}
        max={memoryTotal}
      />
      <Meter
        label={words.disk}
        value={disk}
        max={Number(latest.machineDiskTotalBytes)}
        shown={
          disk === 0
            ? words.measuring
            : words.diskShown(formats.bytes(Number(usage.workingCopyBytes)), formats.bytes(Number(usage.containerBytes)))
        }
      />
    </div>
  );
}

function Graph({
  label,
  shown,
  values,
  max,
}: {
  readonly label: string;
  readonly shown: string;
  readonly values: readonly number[];
  readonly max: number;
}) {
  return (
    <div className="flex flex-col gap-1">
      <div className="flex justify-between gap-4">
        <span>{label}</span>
        <span className="text-muted tabular-nums">{shown}</span>
      </div>
      <Sparkline values={values} max={max} slots={shownSamples} label={`${label}: ${shown}`} />
    </div>
  );
}
