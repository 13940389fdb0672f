/** What this window uses of the app around it. In a browser there is none, and everything has another way. */
export interface Desktop {
  /** The folder the person chose; nothing when the dialog was closed. */
  pickFolder(): Promise<string | undefined>;
  /** The path of a file or folder dropped on the window; empty when it has none. */
  pathOfFile(file: File): Promise<string>;
  /** Opens an environment in an editor. The reason when it was not opened. */
  openEditor(environmentId: string, editorId: string): Promise<string | undefined>;
}

/** The app's bridge, which its preload script puts there; nothing in a browser. */
export function desktopOf(window: Window): Desktop | undefined {
  const bridge: unknown = Reflect.get(window, "berthDesktop");
  return isDesktop(bridge) ? bridge : undefined;
}

function isDesktop(value: unknown): value is Desktop {
  return (
    typeof value === "object" &&
    value !== null &&
    ["pickFolder", "pathOfFile", "openEditor"].every((name) => typeof Reflect.get(value, name) === "function")
  );
}
