import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";

/** `skewed-sign-in.ts PLANE SKEW_MS` signs in with a clock that is wrong by that; prints the address to open, then the access token. */
const [plane = "", skewMs = "0"] = process.argv.slice(2);
const rightNow = Date.now;
Date.now = () => rightNow() + Number(skewMs);
const openBrowser = (url: URL): Promise<void> => {
  process.stdout.write(`${url.href}\n`);
  return Promise.resolve();
};
const { accessToken } = await signInWithBrowser({ planeUrl: new URL(plane), openBrowser, signal: new AbortController().signal });
process.stdout.write(`${accessToken}\n`);
