import { ProvidersList } from "./providers-list.tsx";
import { DomainsList } from "./domains-list.tsx";
import { useStrings } from "../../../app/context.ts";
import { SectionFrame } from "../section-frame.tsx";

/** How people of the organization sign in: its identity providers, and the domains of their addresses. */
export function SignInSection() {
  const { manage } = useStrings();
  return (
    <SectionFrame title={manage.sections["sign-in"]} description={manage.signIn.description}>
      <div className="min-h-0 flex-1 overflow-y-auto border-t">
        <div className="flex max-w-200 flex-col gap-8 p-4">
          <ProvidersList />
          <DomainsList />
        </div>
      </div>
    </SectionFrame>
  );
}
