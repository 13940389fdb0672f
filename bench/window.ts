import { type Browser, expect, type Page } from "@playwright/test";
import { setTimeout as delay } from "node:timers/promises";
import { EnvironmentPhase } from "../src/contract/gen/gitpod/v1/environment_pb.js";
import { BrowserWindow, launchBrowser } from "../tests/e2e/ui/browser-window.ts";
import { SimulatedHost } from "../tests/support/simulated-host.ts";
import type { BenchContext } from "./context.ts";
import { percentile, type Result, resultOf } from "./statistics.ts";

const environments = 400;
const updatesPerSecond = 50;
const watchedMs = 10_000;
const paintBudgetSeconds = 1;
const frameBudgetMs = 16;
const defaultPaints = 5;

/** The window with many environments, on a simulated machine in Chromium: its first paint, and its frames while they change. */
export async function window({ pairs, say }: BenchContext): Promise<Result[]> {
  const host = new SimulatedHost();
  await host.start();
  const browser = await launchBrowser({ asApp: true });
  try {
    say(`making ${environments} environments`);
    const ids: string[] = [];
    for (let n = 0; n < environments; n++) ids.push(await host.create("app", `environment-${n}`));
    // A host that is still making them would be measured along with the window.
    for (const id of ids) await host.whenPhase(id, EnvironmentPhase.RUNNING);
    const paints: number[] = [];
    for (let n = 0; n <= (pairs ?? defaultPaints); n++) {
      const seconds = await firstPaintSeconds(browser, host);
      say(`first paint ${n === 0 ? "(to warm up)" : n}: ${seconds.toFixed(2)} s`);
      if (n > 0) paints.push(seconds);
    }
    say(`watching frames while ${updatesPerSecond} environments change a second`);
    const frames = await framesMs(browser, host, ids);
    say(`${frames.length} frames, median ${percentile(frames, 50).toFixed(1)} ms`);
    return [
      resultOf("window.first-paint", "s", { ours: paints, baseline: [paintBudgetSeconds] }, 1),
      resultOf("window.frame-p95", "ms", { ours: [percentile(frames, 95)], baseline: [frameBudgetMs] }, 1),
    ];
  } finally {
    await browser.close();
    await host.end();
  }
}

/** From the click on a link until environments are on the screen. */
async function firstPaintSeconds(browser: Browser, host: SimulatedHost): Promise<number> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector("[href^='/environments/']") === null) return;
      seen.disconnect();
      // After the next frame it is on the screen.
      requestAnimationFrame(() => setTimeout(() => performance.mark("painted")));
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  await page.goto((await host.host.openUi({})).url);
  const painted = await page.waitForFunction(() => performance.getEntriesByName("painted")[0]?.startTime);
  const ms = (await painted.jsonValue()) ?? Number.NaN;
  await page.context().close();
  return ms / 1000;
}

/** How long the page worked on each of its frames, from the frame's begin until it was painted. */
async function framesMs(browser: Browser, host: SimulatedHost, ids: readonly string[]): Promise<number[]> {
  const shown = await BrowserWindow.open(browser, host);
  await expect(shown.page.locator("[href^='/environments/']").first()).toBeVisible();
  const watching = watchFrames(shown.page, watchedMs);
  const end = performance.now() + watchedMs;
  for (let n = 0; performance.now() < end; n++) {
    // Those in sight are among them: the list shows the newest first.
    const environmentId = ids.at(-1 - (n % ids.length)) ?? "";
    void host.environments.updateEnvironment({ environmentId, metadata: { name: `changed-${n}` } }).catch(() => undefined);
    await delay(1000 / updatesPerSecond);
  }
  const frames = await watching;
  await shown.page.context().close();
  return frames;
}

async function watchFrames(page: Page, forMs: number): Promise<number[]> {
  return page.evaluate(
    async (limitMs) =>
      new Promise<number[]>((resolve) => {
        const frames: number[] = [];
        const channel = new MessageChannel();
        const end = performance.now() + limitMs;
        let begunMs = 0;
        // The message comes after style, layout and paint of the frame in whose beginning it was sent.
        channel.port1.onmessage = () => {
          frames.push(performance.now() - begunMs);
          if (performance.now() < end) requestAnimationFrame(frame);
          else resolve(frames);
        };
        const frame = (atMs: number): void => {
          begunMs = atMs;
          channel.port2.postMessage(undefined);
        };
        requestAnimationFrame(frame);
      }),
    forMs,
  );
}
