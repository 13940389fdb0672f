import { useCallback } from "react";
import type { Context, RemoteEnvironmentClass } from "../../../contract/gen/berth/v1/context_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useStrings } from "../../app/context.ts";
import { Field } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";

/** Which class of a plane the environment is of; which of them is usual, the plane knows. */
export function RemoteClassChoice({
  context: { contextId },
  classId,
  onChange,
}: {
  readonly context: Context;
  /** Empty: the usual one. */
  readonly classId: string;
  readonly onChange: (classId: string) => void;
}) {
  const { clients } = useApp();
  const { newEnvironment } = useStrings();
  const words = newEnvironment.place;
  const ask = useCallback(
    async (signal: AbortSignal) => (await clients.contexts.listRemoteEnvironmentClasses({ contextId }, { signal })).classes,
    [clients, contextId],
  );
  const { value, error } = useCall<readonly RemoteEnvironmentClass[]>(ask);
  if (value === undefined) return error === undefined ? <Skeleton className="h-14" /> : <ErrorState error={error} compact />;
  const options = [
    { value: "", label: words.classUsual },
    ...value.map((each) => ({ value: each.classId, label: [each.name, each.description].filter((text) => text !== "").join(" · ") })),
  ];
  return (
    <Field label={words.class} hint={value.length === 0 ? words.classNone : words.classHint}>
      {({ id }) => <Select id={id} label={words.class} value={classId} options={options} onChange={onChange} className="w-full" />}
    </Field>
  );
}
