import { Settings as Icon } from "lucide-react";
import { useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { EmptyState } from "../../ui/states.tsx";

export function SettingsPage() {
  const { shell } = useStrings();
  return (
    <Page title={shell.settings}>
      <EmptyState icon={Icon} title={shell.comingTitle}>
        {shell.comingDetail}
      </EmptyState>
    </Page>
  );
}
