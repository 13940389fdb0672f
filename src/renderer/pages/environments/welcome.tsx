import { TriangleAlert } from "lucide-react";
import type { Editor } from "../../../contract/gen/gitpod/v1/editor_pb.js";
import { useAppState, useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { RemoteEnvironments } from "../../planes/remote-environments.tsx";
import { CreateForm } from "../new/create-form.tsx";

/** What a newcomer sees: what this is, and the one thing to do. */
export function Welcome({ editors }: { readonly editors: readonly Editor[] }) {
  const { environments } = useStrings();
  const { welcome } = environments;
  const warning = useAppState((state) => state.machine?.acceleratorWarning ?? "");
  return (
    <Page title={environments.title}>
      <div className="mx-auto flex max-w-180 flex-col gap-6 px-6 py-12">
        <div>
          <h2 className="mb-1 text-xl font-semibold">{welcome.title}</h2>
          <p className="text-lg text-muted">{welcome.detail}</p>
        </div>
        {warning === "" ? null : (
          <p className="flex gap-2 rounded-md bg-warn-soft px-3 py-2">
            <TriangleAlert size={15} aria-hidden className="mt-0.5 shrink-0 text-warn" />
            <span>
              {welcome.slow} {warning}
            </span>
          </p>
        )}
        <CreateForm initial="" newcomer />
      </div>
      <RemoteEnvironments search="" editors={editors} className="border-t" />
    </Page>
  );
}
