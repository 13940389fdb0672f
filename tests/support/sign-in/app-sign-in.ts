import type { StoredSignIn } from "../../../src/bridge/token-store.ts";
import { type DeviceCodePrompt, signInWithBrowser, signInWithDeviceCode } from "../../../src/bridge/sign-in.ts";

/** An app that signs in, up to where a person's browser takes over; `done` is the access token in the end. */
export async function beginAppSignIn(
  origin: string,
  signal: AbortSignal,
): Promise<{ readonly url: URL; readonly done: Promise<StoredSignIn> }> {
  const opened = Promise.withResolvers<URL>();
  const openBrowser = (url: URL) => Promise.resolve(opened.resolve(url));
  const done = signInWithBrowser({ planeUrl: new URL(origin), openBrowser, signal });
  done.catch(opened.reject);
  return { url: await opened.promise, done };
}

/** The same with a code. */
export async function beginDeviceSignIn(
  origin: string,
  signal: AbortSignal,
): Promise<DeviceCodePrompt & { readonly done: Promise<string> }> {
  const shown = Promise.withResolvers<DeviceCodePrompt>();
  const done = signInWithDeviceCode({ planeUrl: new URL(origin), show: shown.resolve, signal }).then(({ accessToken }) => accessToken);
  done.catch(shown.reject);
  return { ...(await shown.promise), done };
}
