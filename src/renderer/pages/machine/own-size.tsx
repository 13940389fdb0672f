import { useCallback, useState } from "react";
import type { GetSettingsResponse } from "../../../contract/gen/berth/v1/settings_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Slider } from "../../ui/slider.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { memoryStepBytes, same, sizeOf } from "./size.ts";

/** How big a machine is that an environment has to itself. */
export function OwnSize() {
  const { clients } = useApp();
  const { shell } = useStrings();
  const { value, error, reload, set } = useCall(
    useCallback(async (signal: AbortSignal) => clients.settings.getSettings({}, { signal }), [clients]),
  );
  if (value !== undefined) return <OwnSizeForm settings={value} onSaved={set} />;
  return error === undefined ? (
    <Skeleton className="h-32" />
  ) : (
    <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
  );
}

function OwnSizeForm({
  settings,
  onSaved,
}: {
  readonly settings: GetSettingsResponse;
  readonly onSaved: (settings: GetSettingsResponse) => void;
}) {
  const { clients, toasts } = useApp();
  const { machine: words } = useStrings();
  const formats = useFormats();
  const online = useAppState((s) => s.connection === "online");
  const least = sizeOf(settings.leastSize);
  const greatest = sizeOf(settings.greatestSize);
  const usual = sizeOf(settings.defaultDedicatedSize);
  const next = sizeOf(settings.nextDedicatedSize);
  const [draft, setDraft] = useState(next);
  const changed = !same(draft, next);
  const save = async (): Promise<void> => {
    try {
      const answer = await clients.settings.updateSettings({
        dedicatedCpus: draft.cpus === usual.cpus ? 0 : draft.cpus,
        dedicatedMemoryBytes: draft.memoryBytes === usual.memoryBytes ? 0n : BigInt(draft.memoryBytes),
      });
      if (answer.settings !== undefined) onSaved(answer.settings);
      toasts.info(words.own.saved);
    } catch (failure) {
      toasts.failed(failure);
    }
  };
  return (
    <>
      <Slider
        label={words.own.cpus}
        value={draft.cpus}
        min={1}
        max={greatest.cpus}
        step={1}
        shown={words.size.cpusShown}
        note={words.size.usual(words.size.cpusShown(usual.cpus))}
        onChange={(cpus) => setDraft({ ...draft, cpus })}
      />
      <Slider
        label={words.own.memory}
        value={draft.memoryBytes}
        min={least.memoryBytes}
        max={greatest.memoryBytes}
        step={memoryStepBytes}
        shown={formats.bytes}
        note={words.size.usual(formats.bytes(usual.memoryBytes))}
        onChange={(memoryBytes) => setDraft({ ...draft, memoryBytes })}
      />
      {changed ? (
        <div className="flex items-center justify-end gap-2">
          <Button onClick={() => setDraft(next)}>{words.size.discard}</Button>
          <Button kind="primary" onClick={() => void save()} disabledReason={online ? undefined : words.notOffline}>
            {words.size.save}
          </Button>
        </div>
      ) : null}
    </>
  );
}
