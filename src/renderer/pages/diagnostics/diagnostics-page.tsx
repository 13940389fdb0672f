import { Stethoscope as Icon } from "lucide-react";
import { useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { EmptyState } from "../../ui/states.tsx";

export function DiagnosticsPage() {
  const { shell } = useStrings();
  return (
    <Page title={shell.diagnostics}>
      <EmptyState icon={Icon} title={shell.comingTitle}>
        {shell.comingDetail}
      </EmptyState>
    </Page>
  );
}
