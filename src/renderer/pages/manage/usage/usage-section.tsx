import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useCallback, useState } from "react";
import { Resolution } from "../../../../contract/gen/gitpod/v1/usage_pb.js";
import { useCall } from "../../../api/use-call.ts";
import { useStrings } from "../../../app/context.ts";
import { Select } from "../../../ui/select.tsx";
import { Skeleton } from "../../../ui/states.tsx";
import { useManaged } from "../manage-context.ts";
import { Failure, SectionFrame, Stale } from "../section-frame.tsx";
import { DayChart } from "./day-chart.tsx";
import { dailyOf, rangeOf } from "./day-series.ts";

const secondsPerHour = 3600;
const ranges = ["7", "30", "90"] as const;

/** How much the organization's environments are used, day by day. */
export function UsageSection() {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.usage;
  const [days, setDays] = useState<(typeof ranges)[number]>("30");
  const { value, error, reload } = useCall(
    useCallback(
      async (signal: AbortSignal) => {
        const range = rangeOf(Number(days), Date.now());
        const dateRange = { startTime: timestampFromMs(range.startMs), endTime: timestampFromMs(range.endMs) };
        const question = { dateRange, resolution: Resolution.DAILY };
        const [runtime, active] = await Promise.all([
          clients.usage.getEnvironmentRuntimeTimeSeries(question, { signal }),
          clients.usage.getActiveEnvironmentsTimeSeries(question, { signal }),
        ]);
        return {
          hours: dailyOf(runtime.totalRuntime, range).map((day) => ({ ...day, value: day.value / secondsPerHour })),
          active: dailyOf(active.activeEnvironments, range),
        };
      },
      [clients, days],
    ),
  );
  return (
    <SectionFrame
      title={manage.sections.usage}
      description={words.description}
      toolbar={
        <Select
          label={words.range}
          value={days}
          options={ranges.map((range) => ({ value: range, label: words.lastDays(Number(range)) }))}
          onChange={setDays}
        />
      }
    >
      {value === undefined ? (
        error === undefined ? (
          <div aria-busy className="p-4">
            <Skeleton className="h-40" />
          </div>
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : (
        <>
          {error === undefined ? null : <Stale error={error} onRetry={reload} />}
          <div className="min-h-0 flex-1 overflow-y-auto border-t">
            <div className="flex max-w-240 flex-col gap-4 p-4">
              <DayChart title={words.runtime} detail={words.runtimeDetail} unit={words.hours} days={value.hours} />
              <DayChart title={words.active} detail={words.activeDetail} unit={words.environments} days={value.active} />
            </div>
          </div>
        </>
      )}
    </SectionFrame>
  );
}
