import { RotateCw } from "lucide-react";
import { useCallback, useMemo } from "react";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useCommands, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { Sections } from "../../ui/section.tsx";
import { Checks } from "./checks.tsx";
import { SupportBundle } from "./support-bundle.tsx";

/** What is wrong with this computer, and what to hand to somebody who helps. */
export function DiagnosticsPage() {
  const { diagnostics: words } = useStrings();
  const { clients } = useApp();
  const online = useAppState((s) => s.connection === "online");
  const call = useCall(useCallback(async (signal: AbortSignal) => (await clients.host.diagnose({}, { signal })).diagnoses, [clients]));
  const { reload, busy } = call;
  const notNow = !online ? words.notOffline : busy ? words.looking : undefined;
  useCommands(
    useMemo(
      () => [
        {
          id: "diagnostics:again",
          title: `${words.title}: ${words.again}`,
          section: words.title,
          shortcut: "r",
          disabledReason: notNow,
          run: reload,
        },
      ],
      [words, notNow, reload],
    ),
  );
  return (
    <Page
      title={words.title}
      actions={
        <Button icon={RotateCw} onClick={reload} disabledReason={notNow}>
          {words.again}
        </Button>
      }
    >
      <Sections>
        <Checks call={call} />
        <SupportBundle />
      </Sections>
    </Page>
  );
}
