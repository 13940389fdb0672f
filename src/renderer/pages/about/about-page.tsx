import { Info as Icon } from "lucide-react";
import { useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { EmptyState } from "../../ui/states.tsx";

export function AboutPage() {
  const { shell } = useStrings();
  return (
    <Page title={shell.about}>
      <EmptyState icon={Icon} title={shell.comingTitle}>
        {shell.comingDetail}
      </EmptyState>
    </Page>
  );
}
