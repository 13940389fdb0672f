import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement, ReactNode } from "react";

/** A short text beside what the pointer or the keyboard is on. Never the only place where something is said. */
export function Tooltip({ text, children }: { readonly text: ReactNode; readonly children: ReactElement }) {
  if (text === undefined || text === "") return children;
  return (
    <Base.Root>
      <Base.Trigger render={children} />
      <Base.Portal>
        <Base.Positioner side="bottom" sideOffset={6} className="z-50">
          <Base.Popup className="max-w-80 rounded-md border bg-raised px-2 py-1 text-sm text-fg shadow-overlay">{text}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
