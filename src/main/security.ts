import type { App, Session, WebContents } from "electron";
import { appOrigin } from "./app-files.ts";
import { externalUrl, portUrl } from "./external-url.ts";

/** Copying is all a page may do beyond what pages always may. */
const grantedPermissions: ReadonlySet<string> = new Set(["clipboard-sanitized-write"]);

/** Denies a page's wishes for devices, places and the like, whether it asks or just tries. */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((contents, permission, answer) =>
    answer(grantedPermissions.has(permission) && isAppUrl(contents.getURL())),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => grantedPermissions.has(permission) && isAppUrl(origin));
  session.setDevicePermissionHandler(() => false);
}

/** Keeps every page where it is: no navigation away from the app, no window of its own, no page within the page. */
export function confinePages(app: App, openExternal: (url: string) => void): void {
  app.on("web-contents-created", (_event, contents: WebContents) => {
    const stay = (event: { readonly url: string; readonly isMainFrame?: boolean; preventDefault(): void }): void => {
      if (!isAppUrl(event.url) || event.isMainFrame === false) event.preventDefault();
    };
    contents.on("will-navigate", stay);
    contents.on("will-frame-navigate", stay);
    contents.on("will-redirect", stay);
    contents.on("will-attach-webview", (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      const address = externalUrl(url) ?? portUrl(url);
      if (address !== undefined) openExternal(address);
      return { action: "deny" };
    });
  });
}

/** Compared as an origin: what merely begins like ours is not ours. */
function isAppUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && `${url.protocol}//${url.host}` === appOrigin && url.username === "";
}
