import type { z } from "zod";
import { appOrigin } from "./app-files.ts";

/** As much of Electron's IpcMainInvokeEvent as says who asks. */
export interface SenderEvent {
  readonly sender: { readonly id: number };
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

/** Whether the page of the app's own window asks: not a frame in it, not a page it was led to, not another window. */
function isOwnPage({ sender, senderFrame }: SenderEvent, windowId: number | undefined): boolean {
  if (senderFrame === null || senderFrame.parent !== null || sender.id !== windowId) return false;
  const url = URL.parse(senderFrame.url);
  return url !== null && `${url.protocol}//${url.host}` === appOrigin;
}

/** A handler that runs only for the own page and only with arguments of its schema; everything else is refused alike. */
export function guarded<Schema extends z.ZodType<readonly unknown[]>>(
  windowId: () => number | undefined,
  schema: Schema,
  run: (args: z.infer<Schema>) => unknown,
): (event: SenderEvent, ...args: unknown[]) => Promise<unknown> {
  return async (event, ...args) => {
    const parsed = isOwnPage(event, windowId()) ? schema.safeParse(args) : undefined;
    if (parsed?.success !== true) throw new Error("refused");
    return run(parsed.data);
  };
}
