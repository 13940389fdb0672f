import { Stethoscope } from "lucide-react";
import { MachineState } from "../../../contract/gen/berth/v1/host_pb.js";
import { useApp, useAppState, useFormats, useNow, useStrings } from "../../app/context.ts";
import { Dot } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Fix } from "../../ui/fix.tsx";
import { Notice } from "../../ui/notice.tsx";
import type { MachineActs } from "./machine-actions.ts";

const clockIntervalMs = 1000;

/** What is going on with the machine, and what is wrong with it. */
export function MachineNotices({ acts }: { readonly acts: MachineActs }) {
  const { machine: words } = useStrings();
  const { router } = useApp();
  const machine = useAppState((s) => s.machine);
  const toDiagnostics = (
    <Button icon={Stethoscope} onClick={() => router.go({ page: "diagnostics" })}>
      {words.diagnose}
    </Button>
  );
  return (
    <>
      {acts.doing === undefined ? null : <Doing doing={acts.doing} />}
      {machine === undefined || machine.state === MachineState.ABSENT ? (
        <Notice title={words.absentTitle}>{words.absentDetail}</Notice>
      ) : null}
      {machine?.state === MachineState.FAILED ? (
        <Notice tone="danger" title={words.failedTitle} actions={toDiagnostics}>
          <p className="font-mono text-sm">{machine.failureMessage}</p>
          <p>{words.failedDetail}</p>
        </Notice>
      ) : null}
      {machine?.state === MachineState.PAUSED ? (
        <Notice tone="warn" title={words.pausedTitle} actions={toDiagnostics}>
          {words.pausedDetail}
        </Notice>
      ) : null}
      {machine === undefined || machine.warnings.length === 0 ? null : (
        <Notice tone="warn" title={words.warningsTitle} actions={toDiagnostics}>
          {machine.warnings.map((warning) => (
            <p key={warning}>{warning}</p>
          ))}
        </Notice>
      )}
      {machine === undefined || machine.acceleratorWarning === "" ? null : (
        <Slow warning={machine.acceleratorWarning} fix={machine.acceleratorFix} />
      )}
    </>
  );
}

function Doing({ doing }: { readonly doing: NonNullable<MachineActs["doing"]> }) {
  const { machine: words } = useStrings();
  const formats = useFormats();
  const nowMs = useNow(clockIntervalMs);
  return (
    <div className="flex h-9 items-center gap-2 rounded-md border bg-accent-soft px-3">
      <Dot tone="accent" busy />
      <span role="status" className="flex-1 font-medium">
        {words.doing[doing.act]}
      </span>
      <span className="text-muted tabular-nums">{formats.clock(nowMs - doing.sinceMs)}</span>
    </div>
  );
}

function Slow({ warning, fix }: { readonly warning: string; readonly fix: string }) {
  const { machine: words } = useStrings();
  return (
    <Notice tone="warn" title={words.slowTitle}>
      <p>{warning}</p>
      <Fix text={fix} />
    </Notice>
  );
}
