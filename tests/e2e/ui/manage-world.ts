import { type Browser, expect as expectWith } from "@playwright/test";
import { PlaneWithEnvironments } from "../../integration/contexts/plane-with-environments.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow } from "./browser-window.ts";

/** What is asked of the plane comes from another process, which a busy computer lets wait. */
export const expect = expectWith.configure({ timeout: 20_000 });

/** A host that is signed in to a plane of its own, and a window on it. */
export class ManageWorld {
  readonly plane = new PlaneWithEnvironments();
  readonly host = new SimulatedHost();
  contextId = "";

  async start(): Promise<void> {
    await this.plane.start();
    await this.host.start();
    this.contextId = await this.signIn("work", this.plane.admin.token);
  }

  /** Adds a context for who has this token. */
  async signIn(name: string, token: string): Promise<string> {
    const { context } = await this.host.contexts.addContext({ planeUrl: this.plane.url, name });
    const contextId = context?.contextId ?? "";
    for await (const _ of this.host.contexts.signIn({ contextId, method: { case: "personalAccessToken", value: token } }));
    return contextId;
  }

  /** A window at one of the pages. */
  async open(browser: Browser, section: string, { contextId = this.contextId, locale = "en-US" } = {}): Promise<BrowserWindow> {
    const window = await BrowserWindow.open(browser, this.host, { locale });
    await window.go(`/manage/${contextId}/${section}`);
    return window;
  }

  async end(): Promise<void> {
    await this.host.end();
    await this.plane.end();
  }
}
