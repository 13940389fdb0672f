import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import { setSpanStylesByScript, styleDocument, withStylesByScript } from "./style-document.ts";
import { onThemeChange, terminalTheme } from "./terminal-theme.ts";
import type { TerminalScreen } from "./terminal-link.ts";

const scrollbackLines = 10_000;
const fontSize = 13;
/** RIS: forgets everything, in order with what was written before. */
const fullReset = "\u001bc";

export interface XtermScreenOptions {
  readonly isMac: boolean;
  /** What is typed or pasted, and what the screen answers by itself to programs that ask. */
  readonly onInput: (data: Uint8Array<ArrayBuffer>) => void;
  readonly onResize: (columns: number, rows: number) => void;
  readonly onFind: () => void;
  readonly onFound: (found: { readonly index: number; readonly count: number }) => void;
  readonly copy: (text: string) => void;
}

/** A terminal's screen: xterm with what a person expects of one. */
export class XtermScreen implements TerminalScreen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  #webgl: WebglAddon | undefined;
  readonly #stopFollowingTheme: () => void;

  constructor(options: XtermScreenOptions) {
    const root = document.documentElement;
    setSpanStylesByScript();
    this.#terminal = new Terminal({
      allowProposedApi: true,
      documentOverride: styleDocument(document),
      fontFamily: getComputedStyle(root).getPropertyValue("--font-mono").trim() || "monospace",
      fontSize,
      scrollback: scrollbackLines,
      theme: terminalTheme(root),
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
    });
    const encoder = new TextEncoder();
    this.#terminal.onData((text) => options.onInput(encoder.encode(text)));
    // Mouse reports of old programs are bytes, not text.
    this.#terminal.onBinary((text) => options.onInput(Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff)));
    this.#terminal.onResize(({ cols, rows }) => options.onResize(cols, rows));
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.#search);
    this.#terminal.loadAddon(new Unicode11Addon());
    this.#terminal.unicode.activeVersion = "11";
    this.#terminal.loadAddon(new WebLinksAddon((event, address) => openLink(event, address, options.isMac)));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => options.onFound({ index: resultIndex, count: resultCount }));
    this.#terminal.attachCustomKeyEventHandler((event) => this.#key(event, options));
    this.#stopFollowingTheme = onThemeChange(root, () => (this.#terminal.options.theme = terminalTheme(root)));
  }

  open(element: HTMLElement): void {
    withStylesByScript(document, () => this.#terminal.open(element));
  }

  /** Draws with the graphics processor while it is looked at; there are only so many of its contexts in a page. */
  show(): void {
    this.fit();
    if (this.#webgl !== undefined) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => this.hide());
      this.#terminal.loadAddon(webgl);
      this.#webgl = webgl;
    } catch {
      // Without WebGL it draws with elements, which is slower and looks the same.
    }
  }

  hide(): void {
    this.#webgl?.dispose();
    this.#webgl = undefined;
  }

  fit(): void {
    this.#fit.fit();
  }

  focus(): void {
    this.#terminal.focus();
  }

  write(data: Uint8Array, drawn: () => void): void {
    this.#terminal.write(data, drawn);
  }

  reset(): void {
    this.#terminal.write(fullReset);
  }

  /** Finds a text from the current match on. Empty forgets what was found. */
  find(text: string, direction: "next" | "previous", incremental: boolean): void {
    if (text === "") {
      this.#search.clearDecorations();
      return;
    }
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const decorations = {
      matchBackground: token("--warn-soft"),
      matchOverviewRuler: token("--warn"),
      activeMatchBackground: token("--accent-soft"),
      activeMatchBorder: token("--accent"),
      activeMatchColorOverviewRuler: token("--accent"),
    };
    if (direction === "next") this.#search.findNext(text, { decorations, incremental });
    else this.#search.findPrevious(text, { decorations });
  }

  dispose(): void {
    this.#stopFollowingTheme();
    this.hide();
    this.#terminal.dispose();
  }

  /** False keeps a key from the program; the browser then does with it what it does elsewhere. */
  #key(event: KeyboardEvent, options: XtermScreenOptions): boolean {
    if (event.type !== "keydown") return true;
    const command = options.isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && event.shiftKey;
    if (!command || event.altKey) return true;
    switch (event.code) {
      case "KeyC":
        event.preventDefault();
        if (this.#terminal.hasSelection()) options.copy(this.#terminal.getSelection());
        return false;
      case "KeyV":
        return false;
      case "KeyF":
        event.preventDefault();
        options.onFind();
        return false;
      case "KeyA":
        if (!options.isMac) return true;
        event.preventDefault();
        this.#terminal.selectAll();
        return false;
      default:
        return true;
    }
  }
}

/** What a program prints is not the person's wish: a link opens with a modifier only, and only on the web. */
function openLink(event: MouseEvent, address: string, isMac: boolean): void {
  if (!(isMac ? event.metaKey : event.ctrlKey) || !/^https?:\/\//i.test(address)) return;
  window.open(address, "_blank", "noopener,noreferrer");
}
