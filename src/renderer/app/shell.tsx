import { CloudOff } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { OfferChoice } from "../environments/offer-choice.tsx";
import { addressOf } from "../router/routes.ts";
import { ToastArea } from "../ui/toast-area.tsx";
import { useApp, useAppState, useCommands, useRoute, useStrings } from "./context.ts";
import { ErrorBoundary } from "./error-boundary.tsx";
import { globalCommands } from "./global-commands.ts";
import { KeyboardHelp } from "./keyboard-help.tsx";
import { Palette } from "./palette.tsx";
import { Refused } from "./refused.tsx";
import { Screen } from "./screen.tsx";
import { Sidebar } from "./sidebar.tsx";

/** The frame around every screen. */
export function Shell() {
  const app = useApp();
  const strings = useStrings();
  const route = useRoute();
  const connection = useAppState((state) => state.connection);
  const [overlay, setOverlay] = useState<"palette" | "help" | undefined>();
  const content = useRef<HTMLElement>(null);
  useKeys();
  useCommands(
    useMemo(
      () => globalCommands(app, strings, { openPalette: () => setOverlay("palette"), openHelp: () => setOverlay("help") }),
      [app, strings],
    ),
  );
  if (connection === "refused") return <Refused />;
  return (
    <div className="flex h-full">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-raised focus:p-2"
        onClick={(event) => {
          event.preventDefault();
          content.current?.focus();
        }}
      >
        {strings.shell.skipToContent}
      </a>
      <Sidebar onSearch={() => setOverlay("palette")} />
      <main id="content" ref={content} tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
        {connection === "offline" ? <OfflineLine /> : null}
        <div className="min-h-0 flex-1">
          <ErrorBoundary strings={strings.shell} resetKey={addressOf(route)}>
            <Screen />
          </ErrorBoundary>
        </div>
      </main>
      <Palette open={overlay === "palette"} onClose={() => setOverlay(undefined)} />
      <KeyboardHelp open={overlay === "help"} onClose={() => setOverlay(undefined)} />
      <OfferChoice />
      <ToastArea />
    </div>
  );
}

function OfflineLine() {
  const { shell } = useStrings();
  return (
    <div role="alert" className="flex h-8 shrink-0 items-center gap-2 border-b bg-warn-soft px-4">
      <CloudOff size={14} aria-hidden className="text-warn" />
      <span className="font-medium">{shell.offline}</span>
      <span className="truncate">{shell.offlineDetail}</span>
    </div>
  );
}

/** Gives key presses that nothing else took to the commands. */
function useKeys(): void {
  const { commands } = useApp();
  useEffect(() => {
    const ended = new AbortController();
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      const taken = whoTakes(event);
      if (taken === "key") return;
      const typing = taken === "text";
      if (commands.press(event, { typing, nowMs: event.timeStamp })) event.preventDefault();
    };
    window.addEventListener("keydown", onKeyDown, { signal: ended.signal });
    return () => ended.abort();
  }, [commands]);
}

/** Whether what has the focus wants this key for itself: every key, only what writes text, or none. */
function whoTakes({ target, key }: KeyboardEvent): "key" | "text" | undefined {
  if (!(target instanceof HTMLElement)) return undefined;
  const overlay = target.closest("[role=dialog],[role=menu],[role=listbox]");
  // One that is going away has the focus for a moment still.
  if (overlay !== null) return overlay.hasAttribute("data-closed") ? undefined : "key";
  if (["Enter", " "].includes(key) && target.closest("button,a,summary,[role=tab]") !== null) return "key";
  const writes = target.isContentEditable || target.matches("input:not([type=checkbox]),textarea,select,[data-keys=own] *");
  return writes ? "text" : undefined;
}
