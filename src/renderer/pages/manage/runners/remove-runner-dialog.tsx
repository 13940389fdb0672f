import { useState } from "react";
import type { Runner } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Agree, FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { useEnvironmentCount } from "../use-environment-count.ts";

/** Deletes a runner; while environments are on it only when it is agreed that the plane forgets them. */
export function RemoveRunnerDialog({
  runner: { runnerId, name },
  onRemoved,
  onClose,
}: {
  readonly runner: Runner;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.runners;
  const [force, setForce] = useState(false);
  const { value: count, error } = useEnvironmentCount(runnerId);
  const isCounted = count !== undefined || error !== undefined;
  return (
    <FormDialog
      title={words.removeTitle(name)}
      description={words.removeDetail}
      submit={words.removeSubmit}
      kind="danger"
      blocked={!isCounted ? words.counting : (count ?? 0) > 0 && !force ? words.removeBlocked : undefined}
      onSubmit={async () => {
        await clients.runners.deleteRunner({ runnerId, force });
        onRemoved();
      }}
      onClose={onClose}
    >
      {count === undefined ? (
        <p className="text-muted">{error === undefined ? words.counting : null}</p>
      ) : count === 0 ? (
        <p>{words.removeEmpty}</p>
      ) : (
        <Agree label={words.removeForce(count)} agreed={force} onToggle={setForce} />
      )}
    </FormDialog>
  );
}
