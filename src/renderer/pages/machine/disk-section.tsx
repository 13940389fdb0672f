import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Eraser, RotateCw } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { type GetMachineDiskBillResponse, MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useNow, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Meter } from "../../ui/meter.tsx";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { billOf } from "./bill.ts";
import { DiskTable } from "./disk-table.tsx";
import type { MachineActs } from "./machine-actions.ts";

const agoIntervalMs = 30_000;
const littleFreeShare = 0.1;

/** Who takes how much of the machine's disk, and how to get some back. */
export function DiskSection({ acts }: { readonly acts: MachineActs }) {
  const { clients, toasts } = useApp();
  const { machine: words, shell } = useStrings();
  const formats = useFormats();
  const runs = useAppState((s) => s.machine?.state === MachineState.READY);
  const online = useAppState((s) => s.connection === "online");
  const [asking, setAsking] = useState(false);
  const ask = useCallback(
    async (signal: AbortSignal) => (runs ? clients.host.getMachineDiskBill({}, { signal }) : undefined),
    [clients, runs],
  );
  const { value, error, busy, reload } = useCall(ask);
  const blocked = !online ? words.notOffline : !runs ? words.notRunning : acts.doing === undefined ? undefined : words.waitForIt;
  const reclaim = async (): Promise<void> => {
    const answer = await acts.run("reclaim", async () => clients.host.reclaimMachineSpace({}));
    if (answer === undefined) return;
    const [inside, outside] = [Number(answer.reclaimedBytes), Number(answer.returnedBytes)];
    toasts.info(inside + outside === 0 ? words.disk.nothingReclaimed : words.disk.reclaimed(formats.bytes(inside), formats.bytes(outside)));
    reload();
  };
  return (
    <Section
      title={words.disk.heading}
      description={words.disk.description}
      actions={
        <>
          <Button icon={RotateCw} onClick={reload} disabledReason={blocked ?? (busy ? words.disk.measuring : undefined)}>
            {words.disk.measure}
          </Button>
          <Button icon={Eraser} onClick={() => setAsking(true)} disabledReason={blocked}>
            {words.disk.reclaim}
          </Button>
        </>
      }
    >
      {!runs ? (
        <p className="rounded-md border bg-sunken p-3 text-muted">{words.disk.needsMachine}</p>
      ) : value !== undefined ? (
        <Bill answer={value} busy={busy} />
      ) : error === undefined ? (
        <>
          <p className="text-muted">{words.disk.measuring}</p>
          <Skeleton className="h-40" />
        </>
      ) : (
        <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
      )}
      {asking ? <ReclaimDialog onClose={() => setAsking(false)} onConfirm={() => void reclaim()} /> : null}
    </Section>
  );
}

function Bill({ answer, busy }: { readonly answer: GetMachineDiskBillResponse; readonly busy: boolean }) {
  const { machine: words } = useStrings();
  const formats = useFormats();
  const nowMs = useNow(agoIntervalMs);
  const environments = useAppState((s) => s.environments);
  if (answer.bill === undefined) return null;
  const bill = billOf(answer.bill, (id) => environments.get(id)?.environment.metadata?.name ?? id);
  const isFull = bill.freeBytes < bill.totalBytes * littleFreeShare;
  const measuredAt = answer.bill.measuredAt;
  return (
    <>
      <Meter
        label={words.disk.used}
        value={bill.usedBytes}
        max={bill.totalBytes}
        shown={words.disk.usedOf(formats.bytes(bill.usedBytes), formats.bytes(bill.totalBytes))}
        tone={isFull ? "warn" : "accent"}
      />
      <p className="-mt-1 flex justify-between gap-4 text-sm text-muted">
        <span>
          {busy ? words.disk.measuring : measuredAt === undefined ? "" : words.disk.measured(formats.ago(timestampMs(measuredAt), nowMs))}
        </span>
        <span>{words.disk.allocated(formats.bytes(Number(answer.allocatedBytes)))}</span>
      </p>
      <DiskTable bill={bill} />
    </>
  );
}

function ReclaimDialog({ onClose, onConfirm }: { readonly onClose: () => void; readonly onConfirm: () => void }) {
  const { machine: words, shell } = useStrings();
  const submit = useRef<HTMLButtonElement>(null);
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.disk.reclaimTitle}
      description={words.disk.reclaimDetail}
      initialFocus={submit}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button
            ref={submit}
            kind="primary"
            onClick={() => {
              onClose();
              onConfirm();
            }}
          >
            {words.disk.reclaim}
          </Button>
        </>
      }
    />
  );
}
