import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findChromium } from "../../tools/find-chromium.ts";
import { Cdp } from "./cdp.ts";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  // Electron's handler denies; without this, Chromium would open the window before anybody could.
  "--block-new-web-contents",
  "--remote-debugging-port=0",
];

export interface Browser {
  readonly cdp: Cdp;
  readonly endpoint: string;
  close(): void;
}

/** Starts a Chromium of its own with the app's switches and an empty profile. STANDIN_HEADED=1 shows it. */
export async function launchBrowser(switches: readonly string[]): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "standin-chromium-"));
  const headless = process.env["STANDIN_HEADED"] === "1" ? [] : ["--headless=new"];
  const child = spawn(findChromium(), [...flags, ...switches, ...headless, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const close = (): void => {
    child.kill("SIGKILL");
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", close);
  const endpoint = await endpointOf(child);
  return { cdp: await Cdp.connect(endpoint), endpoint, close };
}

async function endpointOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error("Chromium has no stderr");
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /^DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (found === undefined) continue;
    child.stderr.resume();
    return found;
  }
  throw new Error("Chromium ended before it listened");
}
