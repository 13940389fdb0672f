/**
 * Shortcuts are written `mod+k`, `shift+?`, `g e` (one key after the other) or `n`. `mod` is Cmd on a Mac and Ctrl
 * elsewhere. A character that needs Shift on some keyboard is written as itself: `?`, not `shift+/`.
 */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** The way a key press is written in shortcuts. */
export function writtenKey(press: KeyPress, isMac: boolean): string {
  const mod = isMac ? press.metaKey : press.ctrlKey;
  const otherMod = isMac ? press.ctrlKey : press.metaKey;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  const isLetter = /^[a-z]$/.test(key);
  const parts = [
    mod ? "mod" : "",
    otherMod ? "meta" : "",
    press.altKey ? "alt" : "",
    press.shiftKey && (isLetter || press.key.length > 1) ? "shift" : "",
    key,
  ];
  return parts.filter((part) => part !== "").join("+");
}

/** A shortcut as keyboards show it: ⌘K on a Mac, Ctrl+K elsewhere; one text per key of a sequence. */
export function shownKeys(shortcut: string, isMac: boolean): string[] {
  return shortcut.split(" ").map((step) => {
    const parts = step.split("+").filter((part) => part !== "");
    const shown = parts.map((part) => symbolOf(part, isMac));
    return shown.join(isMac ? "" : "+");
  });
}

function symbolOf(part: string, isMac: boolean): string {
  const symbols: Readonly<Record<string, string>> = {
    mod: isMac ? "⌘" : "Ctrl",
    alt: isMac ? "⌥" : "Alt",
    shift: isMac ? "⇧" : "Shift",
    Enter: "↵",
    Escape: "Esc",
    ArrowUp: "↑",
    ArrowDown: "↓",
    ArrowLeft: "←",
    ArrowRight: "→",
    Delete: isMac ? "⌦" : "Del",
  };
  return symbols[part] ?? (part.length === 1 ? part.toUpperCase() : part);
}
