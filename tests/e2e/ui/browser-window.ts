import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, expect, type Locator, type Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromiumSwitches } from "../../../src/main/chromium-switches.ts";
import { findChromium } from "../../../tools/find-chromium.ts";
import type { SimulatedHost } from "../../support/simulated-host.ts";

const root = join(import.meta.dirname, "../../..");
/** `BERTH_SCREENSHOTS=1` renews the pictures of the documentation; else they are kept out of the sources. */
const screenshots = join(root, process.env["BERTH_SCREENSHOTS"] === "1" ? "docs/screenshots" : ".cache/screenshots");
const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Menus and tooltips stand beside the page, where the rule about landmarks finds them. */
const outsideLandmarks = ["region"];
const size = { width: 1280, height: 800 };

export type Scheme = "light" | "dark";

interface WindowOptions {
  readonly scheme?: Scheme;
  readonly locale?: string;
}

/** The quickest browser for tests; benchmarks take one with windows and the app's switches, as the app is. */
export async function launchBrowser({ asApp = false } = {}): Promise<Browser> {
  // Chromium's sandbox refuses to run as root, which build machines often are.
  const args = process.getuid?.() === 0 ? ["--no-sandbox", ...quiet] : [...quiet];
  if (asApp) for (const [name, value] of chromiumSwitches) args.push(`--${name}=${value}`);
  return chromium.launch({ executablePath: findChromium({ windows: asApp }), args });
}

/** A browser's window on a host, let in as `berth ui` does it. Everything the page complains about fails the test. */
export class BrowserWindow {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #complaints: string[];

  private constructor(page: Page, context: BrowserContext, complaints: string[]) {
    this.page = page;
    this.#context = context;
    this.#complaints = complaints;
  }

  static async open(browser: Browser, { host }: Pick<SimulatedHost, "host">, options: WindowOptions = {}): Promise<BrowserWindow> {
    return BrowserWindow.openAt(browser, (await host.openUi({})).url, options);
  }

  /** A window on the host that gave this link. */
  static async openAt(browser: Browser, url: string, { scheme = "light", locale = "en-US" }: WindowOptions = {}): Promise<BrowserWindow> {
    const context = await browser.newContext({ viewport: size, colorScheme: scheme, locale, reducedMotion: "reduce" });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // The browser tells of every refused or lost request; what the page makes of it is what tests look at.
      if (message.type() === "error" && !/Failed to load resource|ERR_INCOMPLETE_CHUNKED/.test(message.text()))
        complaints.push(message.text());
    });
    await page.goto(url);
    return new BrowserWindow(page, context, complaints);
  }

  /** Goes to an address inside the page, as its own links do. */
  async go(path: string): Promise<void> {
    await this.page.evaluate((to) => {
      window.history.pushState(null, "", to);
      window.dispatchEvent(new PopStateEvent("popstate"));
    }, path);
  }

  /** Nothing on this screen keeps anybody out, in either scheme; a picture of each is kept. */
  async check(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    for (const scheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      // A page that is opened for the first time is loaded then.
      await expect(this.page.locator("main [aria-busy=true]")).toHaveCount(0);
      // On a busy computer a colour is still on its way, however short that is.
      await this.page.waitForFunction(() => !document.getAnimations().some((animation) => animation instanceof CSSTransition));
      // The other mode opens a page of its own for frames of other origins, of which there are none, and takes the focus there.
      const axe = new AxeBuilder({ page: this.page }).setLegacyMode();
      // The schemes differ in colours alone.
      if (scheme === "light") axe.withTags(standards).disableRules(outsideLandmarks);
      else axe.withRules(["color-contrast", "link-in-text-block"]);
      const { violations } = await axe.analyze();
      expect(
        violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => `${node.html} ${node.failureSummary ?? ""}`).slice(0, 3) })),
        `${name}, ${scheme}`,
      ).toEqual([]);
      await this.page.screenshot({ path: join(screenshots, `${name}-${scheme}.png`) });
    }
    await this.page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  }

  /** A picture of a part of the page. */
  async picture(part: Locator, name: string): Promise<void> {
    await part.screenshot({ path: join(screenshots, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.#context.close();
    expect(this.#complaints).toEqual([]);
  }
}
