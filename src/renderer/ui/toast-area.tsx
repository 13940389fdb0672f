import { CircleCheck, TriangleAlert, X } from "lucide-react";
import { useStore } from "zustand";
import { useApp, useErrorText, useStrings } from "../app/context.ts";
import { Button, IconButton } from "./button.tsx";

/** Where toasts appear; read aloud when they do. */
export function ToastArea() {
  const { toasts } = useApp();
  const { shell } = useStrings();
  const textOf = useErrorText();
  const list = useStore(toasts.list);
  return (
    <section aria-label={shell.notifications} aria-live="polite" className="fixed right-4 bottom-4 z-50 flex w-90 flex-col gap-2">
      {list.map((toast) => (
        <div key={toast.id} className="flex items-start gap-2 rounded-md border bg-raised p-3 shadow-overlay">
          {typeof toast.message !== "string" ? (
            <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0 text-danger" />
          ) : (
            <CircleCheck size={16} aria-hidden className="mt-0.5 shrink-0 text-ok" />
          )}
          <div className="min-w-0 flex-1">
            <p className="font-medium">{typeof toast.message === "string" ? toast.message : textOf(toast.message.code).title}</p>
            {typeof toast.message === "string" || toast.message.detail === "" ? null : (
              <p className="break-words text-muted select-text">{toast.message.detail}</p>
            )}
            {toast.action === undefined ? null : (
              <Button className="mt-2" onClick={toast.action.run}>
                {toast.action.label}
              </Button>
            )}
          </div>
          <IconButton icon={X} label={shell.dismiss} onClick={() => toasts.dismiss(toast.id)} className="-mt-1 -mr-1" />
        </div>
      ))}
    </section>
  );
}
