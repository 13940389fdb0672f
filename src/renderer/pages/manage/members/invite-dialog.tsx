import { useCallback } from "react";
import { useCall } from "../../../api/use-call.ts";
import { useApp, useStrings } from "../../../app/context.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { ErrorState, Skeleton } from "../../../ui/states.tsx";
import { CopyField } from "../copy-field.tsx";
import { useManaged } from "../manage-context.ts";

/** The organization's invite, to be passed on or replaced. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients, organizationId } = useManaged();
  const words = manage.members;
  const invite = useCall(
    useCallback(
      async (signal: AbortSignal) =>
        (await clients.organizations.getOrganizationInvite({ organizationId }, { signal })).invite?.inviteId ?? "",
      [clients, organizationId],
    ),
  );
  const reset = async (): Promise<void> => {
    try {
      invite.set((await clients.organizations.createOrganizationInvite({ organizationId })).invite?.inviteId ?? "");
      toasts.info(words.inviteWasReset);
    } catch (failure) {
      toasts.failed(failure);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.inviteTitle}
      description={words.inviteDetail}
      footer={
        <Button kind="primary" onClick={onClose}>
          {manage.done}
        </Button>
      }
    >
      {invite.error !== undefined ? (
        <ErrorState error={invite.error} compact />
      ) : invite.value === undefined ? (
        <Skeleton className="h-8" />
      ) : (
        <>
          <CopyField label={words.inviteCode} value={invite.value} hint={words.inviteNewcomers} />
          <div className="flex items-center gap-3">
            <Button onClick={() => void reset()}>{words.inviteReset}</Button>
            <span className="text-sm text-muted">{words.inviteResetNote}</span>
          </div>
        </>
      )}
    </Dialog>
  );
}
