import type { ITheme } from "@xterm/xterm";

/** The sixteen colours that programs name; each is legible on its background. */
const light = {
  black: "#16191d",
  red: "#b3261e",
  green: "#17703a",
  yellow: "#8a5300",
  blue: "#3453c9",
  magenta: "#8b3aa8",
  cyan: "#0b6b77",
  white: "#6b7280",
  brightBlack: "#565d67",
  brightRed: "#c8372f",
  brightGreen: "#1f8547",
  brightYellow: "#9c6205",
  brightBlue: "#4a68dd",
  brightMagenta: "#a04fbd",
  brightCyan: "#127e8c",
  brightWhite: "#3b424c",
};
const dark = {
  black: "#3b424c",
  red: "#ff8f87",
  green: "#6fcf8f",
  yellow: "#e5b45a",
  blue: "#8da6ff",
  magenta: "#d3a0ee",
  cyan: "#6fd0dc",
  white: "#c9ced6",
  brightBlack: "#8a929d",
  brightRed: "#ffaaa4",
  brightGreen: "#93e0ad",
  brightYellow: "#f2cc86",
  brightBlue: "#b1c3ff",
  brightMagenta: "#e3c0f6",
  brightCyan: "#9be3ec",
  brightWhite: "#ffffff",
};

/** The colours of a terminal as the window's theme is now. */
export function terminalTheme(root: HTMLElement): ITheme {
  const style = getComputedStyle(root);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ...(style.colorScheme === "dark" ? dark : light),
    background: token("--bg"),
    foreground: token("--fg"),
    cursor: token("--fg"),
    cursorAccent: token("--bg"),
    selectionBackground: token("--bg-selected"),
    selectionInactiveBackground: token("--bg-hover"),
    scrollbarSliderBackground: token("--line"),
    scrollbarSliderHoverBackground: token("--line-strong"),
    scrollbarSliderActiveBackground: token("--line-strong"),
  };
}

/** Calls back whenever the theme may have changed. */
export function onThemeChange(root: HTMLElement, changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(root, { attributes: true, attributeFilter: ["data-theme", "data-contrast"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", changed);
  };
}
