import { EventEmitter } from "node:events";
import type { Runtime } from "./runtime.ts";
import { WebContents, type WebPreferences } from "./web-contents.ts";

interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface WindowOptions extends Bounds {
  readonly show?: boolean;
  readonly webPreferences?: WebPreferences;
}

/** A window of Electron: its place and state are kept here, its page is Chromium's. */
export class StandinWindow extends EventEmitter {
  readonly webContents: WebContents;
  #bounds: Bounds;
  #normal: Bounds;
  #visible: boolean;
  #focused = false;
  #maximized = false;
  #minimized = false;
  #destroyed = false;

  constructor(runtime: Runtime, id: number, options: WindowOptions) {
    super();
    const { x, y, width, height } = options;
    this.#bounds = { x, y, width, height };
    this.#normal = this.#bounds;
    this.#visible = options.show !== false;
    this.webContents = new WebContents(runtime, id, options.webPreferences ?? {});
    this.webContents.once("standin-painted", () => this.emit("ready-to-show"));
    void this.webContents.setBounds({ width, height }).catch((error: unknown) => runtime.fail(error));
  }

  async loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url);
  }

  show(): void {
    this.#visible = true;
    this.focus();
  }

  hide(): void {
    this.#visible = false;
    this.blur();
  }

  focus(): void {
    if (this.#focused) return;
    this.#focused = true;
    this.emit("focus");
  }

  blur(): void {
    if (!this.#focused) return;
    this.#focused = false;
    this.emit("blur");
  }

  isVisible(): boolean {
    return this.#visible && !this.#minimized;
  }

  isFocused(): boolean {
    return this.#focused;
  }

  isMinimized(): boolean {
    return this.#minimized;
  }

  isMaximized(): boolean {
    return this.#maximized;
  }

  isFullScreen(): boolean {
    return false;
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  minimize(): void {
    this.#minimized = true;
    this.blur();
  }

  restore(): void {
    this.#minimized = false;
  }

  maximize(): void {
    this.#maximized = true;
    this.emit("maximize");
  }

  unmaximize(): void {
    this.#maximized = false;
    this.emit("unmaximize");
  }

  getBounds(): Bounds {
    return this.#bounds;
  }

  getNormalBounds(): Bounds {
    return this.#normal;
  }

  setBounds(bounds: Bounds): void {
    this.#bounds = bounds;
    this.#normal = bounds;
    void this.webContents.setBounds({ width: bounds.width, height: bounds.height });
    this.emit("resize");
    this.emit("move");
  }

  close(): void {
    let prevented = false;
    this.emit("close", { preventDefault: () => (prevented = true) });
    if (!prevented) this.destroy();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#visible = false;
    this.webContents.destroy();
    this.emit("closed");
  }
}
