import { useState } from "react";
import type { Environment } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Field, Input } from "../../../ui/input.tsx";
import { Agree, FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";

/** Deletes somebody's environment: names what is lost, which is agreed to and then typed. */
export function DeleteEnvironmentDialog({
  environment: { id, metadata, status },
  owner,
  onDeleted,
  onClose,
}: {
  readonly environment: Environment;
  readonly owner: string;
  readonly onDeleted: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage, environments } = useStrings();
  const { clients } = useManaged();
  const words = manage.environments;
  const [agreed, setAgreed] = useState(false);
  const [typed, setTyped] = useState("");
  const name = metadata?.name ?? "";
  const git = status?.content?.git;
  const changed = git?.totalChangedFiles ?? 0;
  const unpushed = git?.totalUnpushedCommits ?? 0;
  const losses = [changed > 0 ? environments.changed(changed) : "", unpushed > 0 ? environments.unpushed(unpushed) : ""].filter(
    (loss) => loss !== "",
  );
  return (
    <FormDialog
      title={words.deleteTitle(name)}
      description={words.deleteDetail(owner)}
      submit={words.deleteSubmit}
      kind="danger"
      blocked={agreed && typed.trim() === name ? undefined : words.deleteBlocked(name)}
      onSubmit={async () => {
        await clients.environments.deleteEnvironment({ environmentId: id });
        onDeleted(name);
      }}
      onClose={onClose}
    >
      <div className="rounded-md border bg-sunken px-3 py-2">
        {git === undefined ? words.lossUnknown : losses.length === 0 ? words.lossNone : words.loss(losses.join(", "))}
      </div>
      <Agree label={words.agreeDelete} agreed={agreed} onToggle={setAgreed} />
      <Field label={words.typeName(name)}>
        {(props) => <Input {...props} value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
    </FormDialog>
  );
}
