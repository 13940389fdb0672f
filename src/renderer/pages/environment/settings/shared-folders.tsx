import { FolderOpen, X } from "lucide-react";
import { type FormEvent, useCallback, useState } from "react";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import { type SharedFolder, SharedFolder_State } from "../../../../contract/gen/berth/v1/shared_folder_pb.js";
import { useApp, useErrorText, useStrings } from "../../../app/context.ts";
import { usePolledCall } from "../../../api/use-polled-call.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Checkbox } from "../../../ui/checkbox.tsx";
import { Field, Input } from "../../../ui/input.tsx";
import { Section } from "../../../ui/section.tsx";

/** A machine that starts or stops changes how they stand. */
const intervalMs = 3000;

/** Folders of this computer that the environment sees in /mnt/host. */
export function SharedFolders({ environmentId }: { readonly environmentId: string }) {
  const { clients, toasts } = useApp();
  const words = useStrings().environment.share;
  const ask = useCallback(async (signal: AbortSignal) => clients.sharedFolders.listSharedFolders({}, { signal }), [clients]);
  const { value, reload } = usePolledCall(ask, intervalMs);
  const mine = (value?.sharedFolders ?? []).filter((folder) => folder.environmentId === environmentId);
  const remove = ({ sharedFolderId }: SharedFolder): void =>
    void clients.sharedFolders.removeSharedFolder({ sharedFolderId }).then(reload, (failure: unknown) => void toasts.failed(failure));
  return (
    <Section title={words.title} description={words.detail} size="large">
      {mine.length === 0 ? null : (
        <ul className="divide-y rounded-md border">
          {mine.map((folder) => (
            <li key={folder.sharedFolderId} className="flex items-start gap-2 px-3 py-1.5">
              <div className="min-w-0 flex-1">
                <code className="block truncate font-mono text-sm select-text">
                  {folder.localFolder} → /mnt/host/{folder.name}
                </code>
                <p className="text-sm text-muted" role="status">
                  {folder.writable ? words.writable : words.readOnly} · {stateText(folder, words.states)}
                </p>
              </div>
              {folder.state === SharedFolder_State.REMOVED ? null : (
                <IconButton icon={X} label={`${words.remove}: ${folder.localFolder}`} onClick={() => remove(folder)} />
              )}
            </li>
          ))}
        </ul>
      )}
      <AddFolder environmentId={environmentId} onAdded={reload} />
    </Section>
  );
}

function AddFolder({ environmentId, onAdded }: { readonly environmentId: string; readonly onAdded: () => void }) {
  const { clients } = useApp();
  const errorText = useErrorText();
  const desktop = window.berthDesktop;
  const strings = useStrings();
  const words = strings.environment.share;
  const [localFolder, setLocalFolder] = useState("");
  const [writable, setWritable] = useState(false);
  const [error, setError] = useState<string | undefined>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    clients.sharedFolders.addSharedFolder({ environmentId, localFolder: localFolder.trim(), writable }).then(
      () => {
        setLocalFolder("");
        setWritable(false);
        setError(undefined);
        onAdded();
      },
      (failure: unknown) => {
        const { code, detail } = fromConnectError(failure);
        const { title, whatToTry } = errorText(code);
        setError(`${title}: ${detail}. ${whatToTry}`);
      },
    );
  };
  return (
    <form className="flex flex-col gap-2" onSubmit={submit}>
      <Field label={words.folder} hint={words.hint} error={error}>
        {(props) => (
          <div className="flex gap-2">
            <Input {...props} value={localFolder} placeholder="/home/me/data" onChange={(event) => setLocalFolder(event.target.value)} />
            {desktop === undefined ? null : (
              <Button
                icon={FolderOpen}
                onClick={() => void desktop.pickFolder().then((folder) => folder !== undefined && setLocalFolder(folder))}
              >
                {strings.newEnvironment.pickFolder}
              </Button>
            )}
            <Button type="submit" disabledReason={localFolder.trim() === "" ? words.noFolder : undefined}>
              {words.add}
            </Button>
          </div>
        )}
      </Field>
      <label className="flex items-center gap-2">
        <Checkbox checked={writable} onToggle={setWritable} />
        {words.allowWriting}
      </label>
    </form>
  );
}

type StateTexts = Readonly<Record<"waiting" | "shared" | "restartNeeded" | "failed" | "removed", string>>;

function stateText({ state, detail }: SharedFolder, texts: StateTexts): string {
  switch (state) {
    case SharedFolder_State.SHARED:
      return texts.shared;
    case SharedFolder_State.RESTART_NEEDED:
      return texts.restartNeeded;
    case SharedFolder_State.FAILED:
      return `${texts.failed}: ${detail}`;
    case SharedFolder_State.REMOVED:
      return texts.removed;
    default:
      return texts.waiting;
  }
}
