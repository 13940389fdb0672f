import { Box } from "lucide-react";
import { useEnvironment, useStrings } from "../../app/context.ts";
import type { EnvironmentTab } from "../../router/routes.ts";
import { Page } from "../../ui/page.tsx";
import { EmptyState } from "../../ui/states.tsx";

export function EnvironmentPage({ id, tab }: { readonly id: string; readonly tab: EnvironmentTab }) {
  const { shell } = useStrings();
  const view = useEnvironment(id);
  return (
    <Page title={view?.environment.metadata?.name ?? id}>
      <EmptyState icon={Box} title={shell.comingTitle}>
        {tab}
      </EmptyState>
    </Page>
  );
}
