import { type ReactNode, type RefObject, useEffect, useId, useRef, useState } from "react";
import type { BerthError } from "../../../contract/berth-error.ts";
import { fromConnectError } from "../../../contract/connect-error.ts";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Checkbox } from "../../ui/checkbox.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorState } from "../../ui/states.tsx";

/** Something to fill in or to confirm. It closes when it was done; what failed is told in it, and what was filled in stays. */
export function FormDialog({
  title,
  description,
  submit,
  kind = "primary",
  blocked,
  initialFocus,
  width,
  stays = false,
  onSubmit,
  onClose,
  children,
}: {
  readonly title: string;
  readonly description?: ReactNode;
  /** What the button that does it says. */
  readonly submit: string;
  readonly kind?: "primary" | "danger";
  /** Why it cannot be done yet. */
  readonly blocked?: string | undefined;
  readonly initialFocus?: RefObject<HTMLElement | null>;
  readonly width?: string;
  /** What it does puts something else in its place. */
  readonly stays?: boolean;
  readonly onSubmit: () => Promise<void>;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}) {
  const { shell, manage } = useStrings();
  const { run, busy, error } = useSubmit(async () => {
    await onSubmit();
    if (!stays) onClose();
  });
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      initialFocus={initialFocus ?? cancel}
      {...(width === undefined ? {} : { width })}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            {shell.cancel}
          </Button>
          <Button type="submit" form={id} kind={kind} disabledReason={busy ? manage.working : blocked}>
            {submit}
          </Button>
        </>
      }
    >
      <form
        id={id}
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {children}
      </form>
      {error === undefined ? null : (
        <InSight key={error.message}>
          <ErrorState error={error} compact />
        </InSight>
      )}
    </Dialog>
  );
}

/** Below a long form what comes last would not be seen. */
function InSight({ children }: { readonly children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null);
  // In braces: newer browsers give a promise, which React would call when the error goes.
  useEffect(() => {
    element.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return <div ref={element}>{children}</div>;
}

/** Does something once at a time, and keeps what it failed of until it is tried again. */
function useSubmit(work: () => Promise<void>): {
  readonly run: () => Promise<void>;
  readonly busy: boolean;
  readonly error: BerthError | undefined;
} {
  const [state, setState] = useState<{ readonly busy: boolean; readonly error: BerthError | undefined }>({ busy: false, error: undefined });
  const run = async (): Promise<void> => {
    if (state.busy) return;
    setState({ busy: true, error: undefined });
    try {
      await work();
    } catch (failure) {
      setState({ busy: false, error: fromConnectError(failure) });
    }
  };
  return { ...state, run };
}

/** What has to be agreed to, not only clicked through. */
export function Agree({
  label,
  agreed,
  onToggle,
}: {
  readonly label: string;
  readonly agreed: boolean;
  readonly onToggle: (agreed: boolean) => void;
}) {
  const id = useId();
  return (
    <label htmlFor={id} className="flex items-start gap-2">
      <Checkbox id={id} checked={agreed} onToggle={onToggle} className="mt-0.75 shrink-0" />
      {label}
    </label>
  );
}
