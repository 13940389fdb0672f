import { type App, Notification } from "electron";
import type { DesktopSettings } from "../contract/desktop-bridge.ts";
import { type Notice, noticesOf, unseenFailures } from "./notices.ts";
import type { ShellState } from "./shell-state.ts";
import type { ShellText } from "./text.ts";

export interface NotifierOptions {
  readonly app: App;
  readonly text: ShellText;
  readonly settings: () => DesktopSettings;
  readonly isWatched: () => boolean;
  readonly show: (route: string) => void;
}

/** Tells a person who looks elsewhere what happened, and counts what went wrong on the app's icon. */
export class Notifier {
  readonly #options: NotifierOptions;
  /** A notification that nobody holds is collected, and its click goes nowhere. */
  readonly #shown = new Set<Notification>();
  #seen = new Set<string>();
  #badge = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  update(before: ShellState, after: ShellState): void {
    const { settings, isWatched } = this.#options;
    if (!isWatched()) for (const notice of noticesOf(before, after, settings())) this.#tell(notice);
    this.updateBadge(after);
  }

  /** What the person sees now is not news on the icon. */
  updateBadge(state: ShellState): void {
    const failed = new Set(state.environments.filter(({ failure }) => failure !== "").map(({ id }) => id));
    if (this.#options.isWatched()) this.#seen = failed;
    else this.#seen = new Set([...this.#seen].filter((id) => failed.has(id)));
    const badge = unseenFailures(state, this.#seen).length;
    if (badge === this.#badge) return;
    this.#badge = badge;
    this.#options.app.setBadgeCount(badge);
  }

  #tell(notice: Notice): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification(this.#words(notice));
    this.#shown.add(notification);
    const forget = (): void => void this.#shown.delete(notification);
    notification.once("click", () => {
      forget();
      this.#options.show(notice.route);
    });
    notification.once("close", forget);
    notification.show();
  }

  #words({ kind, name, detail }: Notice): { title: string; body: string } {
    const { text } = this.#options;
    switch (kind) {
      case "ready":
        return { title: text.ready(name), body: text.readyBody };
      case "failed":
        return { title: text.failed(name), body: detail };
      case "port":
        return { title: text.port(name, detail), body: text.portBody };
    }
  }
}
