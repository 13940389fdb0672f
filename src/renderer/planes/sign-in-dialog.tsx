import { type ReactNode, useEffect, useRef, useState } from "react";
import { fromConnectError } from "../../contract/connect-error.ts";
import type { BerthError } from "../../contract/berth-error.ts";
import type { Context, SignInResponse } from "../../contract/gen/berth/v1/context_pb.js";
import { useApp, useStrings } from "../app/context.ts";
import { optionsOf, SelectSetting, SettingList } from "../pages/settings/setting.tsx";
import { SecretInput } from "../pages/settings/secret-input.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ExternalLink } from "../ui/external-link.tsx";
import { Field } from "../ui/input.tsx";
import { ErrorState } from "../ui/states.tsx";

const methods = ["browser", "deviceCode", "personalAccessToken"] as const;
type Method = (typeof methods)[number];
type Progress = SignInResponse["progress"];

/** A sign-in from the choice of how to its end; closing it ends the sign-in too. */
export function SignInDialog({
  context,
  onClose,
  onSignedIn,
}: {
  readonly context: Context;
  readonly onClose: () => void;
  readonly onSignedIn: () => void;
}) {
  const { settings, shell } = useStrings();
  const words = settings.planes;
  const [method, setMethod] = useState<Method>("browser");
  const [token, setToken] = useState("");
  const attempt = useSignIn(context, () => {
    onSignedIn();
    onClose();
  });
  const missing = method === "personalAccessToken" && token.trim() === "" ? words.tokenMissing : undefined;
  const start = (): void => attempt.start(method, token.trim());
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.signInTitle(context.name)}
      description={context.planeUrl}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          {attempt.busy ? null : (
            <Button kind="primary" onClick={start} disabledReason={missing}>
              {words.signIn}
            </Button>
          )}
        </>
      }
    >
      {attempt.error === undefined ? null : <ErrorState error={attempt.error} compact />}
      {attempt.busy ? (
        <Waiting progress={attempt.progress} />
      ) : (
        <SettingList>
          <SelectSetting
            label={words.method}
            value={method}
            hint={words.methodHints[method]}
            options={optionsOf(words.methods, methods)}
            onChange={setMethod}
          />
        </SettingList>
      )}
      {method === "personalAccessToken" && !attempt.busy ? (
        <Field label={words.token}>
          {(props) => <SecretInput {...props} value={token} onText={(text) => setToken(text.replaceAll(/\s/g, ""))} />}
        </Field>
      ) : null}
    </Dialog>
  );
}

/** What the person has to do now. */
function Waiting({ progress }: { readonly progress: Progress | undefined }): ReactNode {
  const { settings } = useStrings();
  const words = settings.planes;
  return (
    <div role="status" className="flex flex-col gap-2">
      {progress?.case === "browserUrl" ? (
        <p>
          {words.openThis} <ExternalLink href={progress.value}>{words.openPage}</ExternalLink>
        </p>
      ) : null}
      {progress?.case === "deviceCode" ? (
        <>
          <p>
            {words.enterCode} <ExternalLink href={progress.value.verificationUrl}>{progress.value.verificationUrl}</ExternalLink>
          </p>
          <p className="font-mono text-xl font-semibold tracking-wider select-text">{progress.value.userCode}</p>
        </>
      ) : null}
      <p className="text-muted">{words.waiting}</p>
    </div>
  );
}

interface Attempt {
  readonly busy: boolean;
  readonly progress: Progress | undefined;
  readonly error: BerthError | undefined;
  readonly start: (method: Method, token: string) => void;
}

function useSignIn({ contextId, name }: Context, onDone: () => void): Attempt {
  const { clients, toasts } = useApp();
  const { settings } = useStrings();
  const [busy, setBusy] = useState(false);
  const [progress, setProgress] = useState<Progress | undefined>();
  const [error, setError] = useState<BerthError | undefined>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const run = async (method: Method, token: string, signal: AbortSignal): Promise<void> => {
    try {
      const value = method === "personalAccessToken" ? { case: method, value: token } : { case: method, value: {} };
      for await (const answer of clients.contexts.signIn({ contextId, method: value }, { signal })) {
        setProgress(answer.progress);
        if (answer.progress.case !== "signedIn") continue;
        toasts.info(settings.planes.signedInAs(name, answer.progress.value.accountName));
        onDone();
      }
    } catch (failure) {
      if (signal.aborted) return;
      setError(fromConnectError(failure));
    }
    setBusy(false);
  };
  const start = (method: Method, token: string): void => {
    const mine = new AbortController();
    running.current = mine;
    setBusy(true);
    setProgress(undefined);
    setError(undefined);
    void run(method, token, mine.signal);
  };
  return { busy, progress, error, start };
}
