import { RotateCw } from "lucide-react";
import { useCallback, useState } from "react";
import { MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { sharedMachineId } from "../../../contract/machine-id.ts";
import type { GetSettingsResponse } from "../../../contract/gen/berth/v1/settings_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { type MachineActs, useRunningNames } from "./machine-actions.ts";
import { boundsOf, requestOf, same, type Size, sizeOf } from "./size.ts";
import { SizeSliders } from "./size-sliders.tsx";

/** In these the machine has the size it was started with until it is restarted. */
const keepsSize: ReadonlySet<MachineState> = new Set([MachineState.READY, MachineState.BOOTING, MachineState.SUSPENDED]);

/** How big the machine is, and what it costs to change that. */
export function SizeSection({ acts, onRestart, onAskRestart }: Pick<FormProps, "acts" | "onRestart" | "onAskRestart">) {
  const { clients } = useApp();
  const { machine: words, shell } = useStrings();
  // A start or a reset changes what the machine was started with.
  const bootId = useAppState((s) => `${s.machine?.bootId}/${s.machine?.state}`);
  const ask = useCallback(
    async (signal: AbortSignal) => {
      void bootId;
      return clients.settings.getSettings({}, { signal });
    },
    [clients, bootId],
  );
  const { value, error, reload, set } = useCall(ask);
  return (
    <Section title={words.size.heading} description={words.size.description}>
      {value !== undefined ? (
        <SizeForm settings={value} acts={acts} onSaved={set} onRestart={onRestart} onAskRestart={onAskRestart} />
      ) : error === undefined ? (
        <Skeleton className="h-48" />
      ) : (
        <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
      )}
    </Section>
  );
}

interface FormProps {
  readonly settings: GetSettingsResponse;
  readonly acts: MachineActs;
  readonly onSaved: (settings: GetSettingsResponse) => void;
  readonly onRestart: () => void;
  /** The same for who has not read yet what would stop. */
  readonly onAskRestart: () => void;
}

function SizeForm({ settings, acts, onSaved, onRestart, onAskRestart }: FormProps) {
  const { clients, toasts } = useApp();
  const { machine: words } = useStrings();
  const next = sizeOf(settings.nextSize);
  const bounds = boundsOf(settings);
  const [draft, setDraft] = useState<Size | undefined>();
  const now = draft ?? next;
  const started = sizeOf(settings.startedSize);
  const growsOnly =
    settings.diskGrowsOnline && same({ ...now, diskBytes: 0 }, { ...started, diskBytes: 0 }) && now.diskBytes > started.diskBytes;
  const blocked = useAppState((s) => s.connection !== "online") ? words.notOffline : acts.doing === undefined ? undefined : words.waitForIt;
  const save = async (then: () => void): Promise<void> => {
    try {
      const answer = await clients.settings.updateSettings(requestOf(now, bounds.usual));
      if (answer.settings !== undefined) onSaved(answer.settings);
      setDraft(undefined);
      then();
    } catch (failure) {
      toasts.failed(failure);
    }
  };
  return (
    <div className="flex flex-col gap-5">
      <PendingSize settings={settings} blocked={blocked} onRestart={onAskRestart} />
      <SizeSliders size={now} bounds={bounds} onChange={setDraft} />
      <SizeButtons
        changed={!same(now, next)}
        growsOnly={growsOnly}
        blocked={blocked}
        onDiscard={() => setDraft(undefined)}
        onUsual={same(now, bounds.usual) ? undefined : () => setDraft(bounds.usual)}
        onSave={() => void save(() => toasts.info(words.size.saved))}
        onSaveAndRestart={() => void save(onRestart)}
      />
    </div>
  );
}

function SizeButtons({
  changed,
  growsOnly,
  blocked,
  onDiscard,
  onUsual,
  onSave,
  onSaveAndRestart,
}: {
  readonly changed: boolean;
  /** Nothing but the disk changes, and it grows while the machine runs. */
  readonly growsOnly: boolean;
  readonly blocked: string | undefined;
  readonly onDiscard: () => void;
  readonly onUsual: (() => void) | undefined;
  readonly onSave: () => void;
  readonly onSaveAndRestart: () => void;
}) {
  const { machine: words } = useStrings();
  const state = useAppState((s) => s.machine?.state ?? MachineState.UNSPECIFIED);
  const growsNow = growsOnly && state === MachineState.READY;
  const isUp = keepsSize.has(state) && !growsNow;
  if (!changed && onUsual === undefined) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      {changed ? <Cost isUp={isUp} growsNow={growsNow} /> : null}
      {onUsual === undefined ? null : <Button onClick={onUsual}>{words.size.useUsual}</Button>}
      <span className="flex-1" />
      {changed ? (
        <>
          <Button onClick={onDiscard}>{words.size.discard}</Button>
          <Button kind={isUp ? "secondary" : "primary"} disabledReason={blocked} onClick={onSave}>
            {words.size.save}
          </Button>
        </>
      ) : null}
      {changed && isUp ? (
        <Button kind="primary" icon={RotateCw} disabledReason={blocked} onClick={onSaveAndRestart}>
          {words.size.saveAndRestart}
        </Button>
      ) : null}
    </div>
  );
}

/** What a change would cost now. */
function Cost({ isUp, growsNow }: { readonly isUp: boolean; readonly growsNow: boolean }) {
  const { machine: words } = useStrings();
  const running = useRunningNames(sharedMachineId);
  return (
    <div role="status" className="basis-full text-muted">
      <p>{isUp ? words.size.costsRestart(running.length) : growsNow ? words.size.growsNow : words.size.costsNothing}</p>
      {isUp && running.length > 0 ? <p className="truncate">{running.join(", ")}</p> : null}
    </div>
  );
}

/** A size that was saved and does not count yet, because the machine runs with another. */
function PendingSize({
  settings,
  blocked,
  onRestart,
}: {
  readonly settings: GetSettingsResponse;
  readonly blocked: string | undefined;
  readonly onRestart: () => void;
}) {
  const { machine: words } = useStrings();
  const formats = useFormats();
  const keeps = useAppState((s) => s.machine?.state === MachineState.READY || s.machine?.state === MachineState.SUSPENDED);
  if (!keeps || settings.startedSize === undefined) return null;
  const started = sizeOf(settings.startedSize);
  const next = sizeOf(settings.nextSize);
  if (same(started, next)) return null;
  const inWords = ({ cpus, memoryBytes, diskBytes }: Size): string =>
    [words.size.cpusShown(cpus), formats.bytes(memoryBytes), `${words.size.disk} ${formats.bytes(diskBytes)}`].join(", ");
  return (
    <Notice
      tone="warn"
      title={words.size.pendingTitle}
      actions={
        <Button icon={RotateCw} onClick={onRestart} disabledReason={blocked}>
          {words.size.restartNow}
        </Button>
      }
    >
      {words.size.pendingDetail(inWords(started), inWords(next))}
    </Notice>
  );
}
