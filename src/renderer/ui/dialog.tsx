import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, type RefObject, useRef } from "react";
import { useStrings } from "../app/context.ts";
import { IconButton } from "./button.tsx";

/** A question or a small form over the page. Focus goes in, stays in, and comes back where it was. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  initialFocus,
  width = "w-120",
}: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children?: ReactNode;
  /** Buttons, the one that does it last. */
  readonly footer?: ReactNode;
  /** Where the keyboard begins; the dialog as a whole unless told otherwise. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
  readonly width?: string;
}) {
  const { shell } = useStrings();
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-backdrop" />
        <Base.Popup
          ref={popup}
          initialFocus={initialFocus ?? popup}
          className={`outline-none fixed top-[12vh] left-1/2 z-40 flex max-h-[76vh] max-w-[calc(100vw-32px)] -translate-x-1/2 flex-col rounded-lg border bg-raised shadow-overlay ${width}`}
        >
          <div className="flex items-start gap-2 px-4 pt-3">
            <Base.Title className="flex-1 text-lg font-semibold">{title}</Base.Title>
            <IconButton icon={X} label={shell.close} onClick={onClose} className="-mr-1.5" />
          </div>
          <div className="flex flex-col gap-3 overflow-y-auto px-4 pt-1 pb-4">
            {description === undefined ? null : <Base.Description className="text-muted">{description}</Base.Description>}
            {children}
          </div>
          {footer === undefined ? null : <div className="flex justify-end gap-2 border-t px-4 py-3">{footer}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
