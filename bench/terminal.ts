import { type Browser, expect, type Page } from "@playwright/test";
import { join } from "node:path";
import { EnvironmentPhase } from "../src/contract/gen/gitpod/v1/environment_pb.js";
import { BrowserWindow, launchBrowser } from "../tests/e2e/ui/browser-window.ts";
import { SimulatedHost } from "../tests/support/simulated-host.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, percentile, type Result, resultOf } from "./statistics.ts";

const root = join(import.meta.dirname, "..");
const defaultPairs = 2;
const catMebibytes = 50;
const catLimit = 1.5;
const catTimeoutMs = 10 * 60_000;
const echoBudgetMs = 30;
const keys = 60;
/** A line of the simulated shell's flood, with its end. */
const lineBytes = 100;
const lastLine = String(Math.ceil((catMebibytes * 1024 ** 2) / lineBytes)).padStart(8, "0");

/** Terminals of the window against xterm.js itself in the same browser, and keys while another terminal floods. */
export async function terminal({ pairs, say }: BenchContext): Promise<Result[]> {
  const host = new SimulatedHost();
  await host.start();
  const browser = await launchBrowser({ asApp: true });
  try {
    const id = await host.create("app");
    await host.whenPhase(id, EnvironmentPhase.RUNNING);
    const shown = await openTerminal(browser, host, id);
    const direct = await openXterm(browser, await sizeOf(shown.page));
    const cats = await measurePairs(
      pairs ?? defaultPairs,
      async () => catSeconds(shown.page),
      async () => directSeconds(direct),
      (text) => say(`cat of ${catMebibytes} MiB, ${text}`),
    );
    await direct.context().close();
    say("typing while another terminal floods");
    const echo = await echoMs(shown.page);
    say(`${echo.length} keys, median ${percentile(echo, 50).toFixed(1)} ms`);
    return [
      resultOf(`terminal.cat-${catMebibytes}m`, "s", cats, catLimit),
      resultOf("terminal.echo-p95", "ms", { ours: [percentile(echo, 95)], baseline: [echoBudgetMs] }, 1),
    ];
  } finally {
    await browser.close();
    await host.end();
  }
}

/** Without WebGL, which a browser without a graphics processor only imitates. */
const withoutWebGl = (): void => {
  HTMLCanvasElement.prototype.getContext = () => null;
};

async function openTerminal(browser: Browser, host: SimulatedHost, id: string): Promise<BrowserWindow> {
  const shown = await BrowserWindow.open(browser, host);
  await expect(shown.page.getByRole("link", { name: "app" })).toBeVisible();
  await shown.page.addInitScript(withoutWebGl);
  await shown.page.goto(new URL(`/environments/${id}/terminal`, shown.page.url()).href);
  await expect(shown.page.locator(".xterm-rows:visible")).toContainText("$");
  return shown;
}

async function sizeOf(page: Page): Promise<{ readonly columns: number; readonly rows: number }> {
  await page.keyboard.type("size\r");
  const screen = page.locator(".xterm-rows:visible");
  await expect(screen).toContainText(/\n?\d+ \d+/);
  const [, rows = "30", columns = "100"] = /size\s*(\d+) (\d+)/.exec(await screen.innerText()) ?? [];
  return { columns: Number(columns), rows: Number(rows) };
}

async function catSeconds(page: Page): Promise<number> {
  await page.getByRole("textbox", { name: "Terminal input" }).pressSequentially("clear\r");
  await expect(page.locator(".xterm-rows:visible")).not.toContainText(lastLine);
  await page.keyboard.type(`cat ${catMebibytes}M`);
  const done = page.evaluate(
    async (wanted) =>
      new Promise<number>((resolve) => {
        const startedAtMs = performance.now();
        const look = (): void => {
          const screens = [...document.querySelectorAll<HTMLElement>(".xterm-rows")];
          if (screens.some((screen) => screen.textContent.includes(wanted))) resolve(performance.now() - startedAtMs);
          else setTimeout(look, 20);
        };
        look();
      }),
    lastLine,
  );
  await page.keyboard.press("Enter");
  return (await withTimeout(done)) / 1000;
}

async function openXterm(browser: Browser, size: { readonly columns: number; readonly rows: number }): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.setContent('<div id="terminal"></div>');
  await page.evaluate(withoutWebGl);
  await page.addStyleTag({ path: join(root, "node_modules/@xterm/xterm/css/xterm.css") });
  await page.addScriptTag({ path: join(root, "node_modules/@xterm/xterm/lib/xterm.js") });
  await page.evaluate(({ columns, rows }) => {
    const made = new window.Terminal({ cols: columns, rows });
    made.open(document.querySelector<HTMLElement>("#terminal") ?? document.body);
    window.directTerminal = made;
  }, size);
  return page;
}

/** The same bytes, written as fast as xterm.js takes them. */
async function directSeconds(page: Page): Promise<number> {
  const done = page.evaluate(
    async ({ mebibytes, line }) => {
      const chunkLines = 655;
      const chunks: Uint8Array[] = [];
      const encoder = new TextEncoder();
      const lines = Math.ceil((mebibytes * 1024 ** 2) / line);
      for (let n = 0; n < lines; n += chunkLines) {
        let chunk = "";
        for (let at = n + 1; at <= Math.min(lines, n + chunkLines); at++)
          chunk += `${String(at).padStart(8, "0")} ${"abcdefghij".repeat(9)}`.slice(0, line - 2).concat("\r\n");
        chunks.push(encoder.encode(chunk));
      }
      const startedAtMs = performance.now();
      for (const chunk of chunks) await new Promise<void>((resolve) => window.directTerminal.write(chunk, resolve));
      await new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - startedAtMs;
    },
    { mebibytes: catMebibytes, line: lineBytes },
  );
  return (await withTimeout(done)) / 1000;
}

/** From each key's press until its letter is drawn, while the other tab's terminal prints without end. */
async function echoMs(page: Page): Promise<number[]> {
  await page.keyboard.type(`cat ${catMebibytes * 1000}M\r`);
  await page.getByRole("button", { name: "New terminal" }).click();
  await expect(page.locator(".xterm-rows:visible")).toContainText("$");
  await page.evaluate(() => {
    const screen = [...document.querySelectorAll<HTMLElement>(".xterm-rows")].find((rows) => rows.offsetParent !== null);
    let pressedMs = 0;
    window.echoesMs = [];
    document.addEventListener("keydown", () => (pressedMs = performance.now()), { capture: true });
    new MutationObserver(() => {
      if (pressedMs === 0) return;
      window.echoesMs.push(performance.now() - pressedMs);
      pressedMs = 0;
    }).observe(screen ?? document.body, { childList: true, subtree: true, characterData: true });
  });
  for (let n = 1; n <= keys; n++) {
    await page.keyboard.press("x");
    await page.waitForFunction((count) => window.echoesMs.length >= count, n);
  }
  return page.evaluate(() => window.echoesMs);
}

async function withTimeout(work: Promise<number>): Promise<number> {
  const signal = AbortSignal.timeout(catTimeoutMs);
  return Promise.race([work, new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
}

declare global {
  interface Window {
    Terminal: new (options: { readonly cols: number; readonly rows: number }) => DirectTerminal;
    directTerminal: DirectTerminal;
    echoesMs: number[];
  }
}

interface DirectTerminal {
  open(element: HTMLElement): void;
  write(data: Uint8Array, callback: () => void): void;
}
