import { Plus } from "lucide-react";
import { useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { EmptyState } from "../../ui/states.tsx";

export function NewEnvironmentPage({ source }: { readonly source: string }) {
  const { shell } = useStrings();
  return (
    <Page title={shell.newEnvironment}>
      <EmptyState icon={Plus} title={shell.comingTitle}>
        {source}
      </EmptyState>
    </Page>
  );
}
