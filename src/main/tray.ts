import { nativeImage, Tray } from "electron";
import { join } from "node:path";
import { buildMenu } from "./menus.ts";
import type { MenuItemModel, ShellAction } from "./menu-model.ts";

/** Berth's icon in the menu bar or the panel. */
export class ShellTray {
  readonly #tray: Tray;
  readonly #perform: (action: ShellAction) => void;
  #shown = "";

  constructor(iconsFolder: string, platform: NodeJS.Platform, perform: (action: ShellAction) => void) {
    const isMac = platform === "darwin";
    // A template image takes the colour of the menu bar; other panels are dark and light alike, and get one in colour.
    const image = nativeImage.createFromPath(join(iconsFolder, isMac ? "trayTemplate.png" : "tray.png"));
    if (isMac) image.setTemplateImage(true);
    this.#tray = new Tray(image);
    this.#tray.setToolTip("Berth");
    this.#perform = perform;
    // On a Mac a click opens the menu by itself.
    if (!isMac) this.#tray.on("click", () => perform({ kind: "show" }));
  }

  /** Shows a menu; one that says the same stays, so that it does not close under the person's hand. */
  update(items: readonly MenuItemModel[]): void {
    const shown = JSON.stringify(items);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tray.setContextMenu(buildMenu(items, this.#perform));
  }

  destroy(): void {
    this.#tray.destroy();
  }
}
