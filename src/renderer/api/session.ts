import { z } from "zod";

const keyName = "berth.key";
const answerSchema = z.object({ key: z.string() });

/** Whether this page may talk to the host: `used` means that the link it came from was used before or is too old. */
export type Entry = "in" | "used";

/**
 * Exchanges the token behind # for a session and takes it out of the address. The key it gives stays in this page's
 * own storage, which no other port of this computer can read; see src/host/browser/ui-sessions.ts.
 */
export async function enter(window: Window): Promise<Entry> {
  const token = /^#token=(.+)$/.exec(window.location.hash)?.[1];
  if (token === undefined) return "in";
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  const answer = await window.fetch("/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  // A page that was reloaded with its link may have a good session all the same.
  if (!answer.ok) return window.localStorage.getItem(keyName) === null ? "used" : "in";
  window.localStorage.setItem(keyName, answerSchema.parse(await answer.json()).key);
  return "in";
}

/** The header that goes with the session's cookie; the app's own window needs none. */
export function sessionHeaders(storage: Storage): Record<string, string> {
  const key = storage.getItem(keyName);
  return key === null ? {} : { "x-berth-key": key };
}
