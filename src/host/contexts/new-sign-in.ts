import { type DeviceCodePrompt, signInWithBrowser, signInWithDeviceCode } from "../../bridge/sign-in.ts";
import { signInWithToken } from "../../bridge/token-sign-in.ts";
import type { StoredSignIn } from "../../bridge/token-store.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { plain } from "./list-environments.ts";

/** What a person has to do to sign in. */
export type SignInStep =
  | { readonly kind: "browser"; readonly url: string }
  | { readonly kind: "device-code"; readonly userCode: string; readonly verificationUrl: string; readonly expiresAtMs: number };

export type SignInMethod = { readonly kind: "browser" | "device-code" } | { readonly kind: "token"; readonly token: string };

/** Signs in to a plane by one of its ways, telling what the person has to do. Fails as the functions of the bridge do. */
export async function newSignIn(
  planeUrl: URL,
  method: SignInMethod,
  tell: (step: SignInStep) => void,
  signal: AbortSignal,
): Promise<StoredSignIn> {
  switch (method.kind) {
    case "token":
      return signInWithToken({ planeUrl, token: method.token, signal });
    case "browser": {
      const openBrowser = async (url: URL): Promise<void> => tell({ kind: "browser", url: ownAddress(planeUrl, url) });
      return signInWithBrowser({ planeUrl, signal, openBrowser });
    }
    case "device-code": {
      const show = ({ userCode, verificationUrl, expiresAtMs }: DeviceCodePrompt): void => {
        const ownUrl = ownAddress(planeUrl, URL.parse(verificationUrl));
        tell({ kind: "device-code", userCode: plain(userCode), verificationUrl: ownUrl, expiresAtMs });
      };
      return signInWithDeviceCode({ planeUrl, signal, show });
    }
  }
}

/** An address that people are sent to must be the plane's own: what it names could start any program, or be another's page. */
function ownAddress(planeUrl: URL, url: URL | null): string {
  if (url?.origin !== planeUrl.origin)
    throw new BerthError("sign-in-provider-untrusted", "the plane sends people to an address that is not its own");
  return url.href;
}
