import { useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { CreateForm } from "./create-form.tsx";

/** Where an environment is made of what one has. */
export function NewEnvironmentPage({ source }: { readonly source: string }) {
  const { newEnvironment: words } = useStrings();
  return (
    <Page title={words.title}>
      <div className="mx-auto max-w-180 p-6">
        <CreateForm initial={source} newcomer={false} />
      </div>
    </Page>
  );
}
