import { Play, SquareTerminal } from "lucide-react";
import { useStrings } from "../../app/context.ts";
import type { EnvironmentRow } from "../../environments/environment-row.ts";
import { useActions, useWhyNot } from "../../environments/row-menu.tsx";
import { StateLabel } from "../../environments/state-label.tsx";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/states.tsx";

/** Stands where something needs a running environment. */
export function NotRunning({ row, detail }: { readonly row: EnvironmentRow; readonly detail: string }) {
  const { environments, environment } = useStrings();
  const actions = useActions();
  const whyNot = useWhyNot();
  const busy = row.state === "starting" || row.state === "stopping" || row.state === "deleting";
  return (
    <EmptyState
      icon={SquareTerminal}
      title={environment.notRunning}
      actions={
        busy ? (
          <StateLabel row={row} />
        ) : (
          <Button kind="primary" icon={Play} disabledReason={whyNot("start", row)} onClick={() => void actions.start([row.id])}>
            {environments.actions.start}
          </Button>
        )
      }
    >
      {detail}
    </EmptyState>
  );
}
