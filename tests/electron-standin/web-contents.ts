import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Cdp } from "./cdp.ts";
import type { Runtime } from "./runtime.ts";

const worldName = "electron";
const page = join(import.meta.dirname, "page");
const mainWorld = readFileSync(join(page, "main-world.js"), "utf8");
const isolatedWorld = readFileSync(join(page, "isolated-world.js"), "utf8");

const contextSchema = z.object({
  context: z.object({ id: z.number(), name: z.string(), auxData: z.object({ frameId: z.string() }) }),
});
const bindingSchema = z.object({ payload: z.string(), executionContextId: z.number() });
const pausedSchema = z.object({ requestId: z.string(), frameId: z.string(), request: z.object({ url: z.string() }) });
const navigatedSchema = z.object({ frame: z.object({ id: z.string(), parentId: z.string().optional(), url: z.string() }) });
const lifecycleSchema = z.object({ name: z.string(), frameId: z.string() });
const messageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("invoke"), id: z.number(), channel: z.string(), args: z.array(z.unknown()) }),
  z.object({ kind: z.literal("path"), id: z.number(), key: z.number() }),
]);

export interface WebPreferences {
  readonly preload?: string;
  readonly additionalArguments?: readonly string[];
}

type WindowOpenHandler = (details: { url: string; frameName: string; features: string; disposition: string }) => {
  action: "deny" | "allow";
};

/** A page of Chromium with the events and methods of Electron's WebContents that the app uses. */
export class WebContents extends EventEmitter {
  readonly id: number;
  readonly #runtime: Runtime;
  readonly #preferences: WebPreferences;
  readonly #ready: Promise<{ readonly cdp: Cdp; readonly session: string; readonly frame: string }>;
  #url = "";
  #context: number | undefined;
  #openHandler: WindowOpenHandler = () => ({ action: "allow" });
  /** The address the app itself goes to; everything else is the page's wish. */
  #ownNavigation = "";
  #destroyed = false;
  #painted = false;

  constructor(runtime: Runtime, id: number, preferences: WebPreferences) {
    super();
    this.id = id;
    this.#runtime = runtime;
    this.#preferences = preferences;
    this.#ready = this.#create();
    this.#ready.catch((error: unknown) => runtime.fail(error));
  }

  getURL(): string {
    return this.#runtime.schemes.inward(this.#url);
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  setWindowOpenHandler(handler: WindowOpenHandler): void {
    this.#openHandler = handler;
  }

  async loadURL(url: string): Promise<void> {
    const { cdp, session } = await this.#ready;
    this.#ownNavigation = this.#runtime.schemes.outward(url);
    await cdp.call("Page.navigate", { url: this.#ownNavigation }, session);
  }

  reload(): void {
    void this.loadURL(this.getURL());
  }

  send(channel: string, ...args: unknown[]): void {
    void this.#deliver({ kind: "event", channel, args });
  }

  async setBounds(bounds: object): Promise<void> {
    const { cdp, session } = await this.#ready;
    const found = z.object({ windowId: z.number() }).parse(await cdp.call("Browser.getWindowForTarget", {}, session));
    await cdp.call("Browser.setWindowBounds", { windowId: found.windowId, bounds }, session).catch(() => undefined);
  }

  async crash(): Promise<void> {
    const { cdp, session } = await this.#ready;
    void cdp.call("Page.crash", {}, session).catch(() => undefined);
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    void this.#ready.then(async ({ cdp, frame }) => cdp.call("Target.closeTarget", { targetId: frame })).catch(() => undefined);
    this.emit("destroyed");
  }

  async #create() {
    const { cdp } = await this.#runtime.browser;
    const created = z
      .object({ targetId: z.string() })
      .parse(await cdp.call("Target.createTarget", { url: "about:blank", newWindow: true }));
    const attached = z
      .object({ sessionId: z.string() })
      .parse(await cdp.call("Target.attachToTarget", { targetId: created.targetId, flatten: true }));
    const session = attached.sessionId;
    const call = async (method: string, params: object = {}): Promise<unknown> => cdp.call(method, params, session);
    cdp.listen(session, (method, params) => this.#take(method, params, { cdp, session, frame: created.targetId }));
    await Promise.all([
      call("Page.enable"),
      call("Runtime.enable"),
      call("Inspector.enable"),
      call("Page.setLifecycleEventsEnabled", { enabled: true }),
      call("Runtime.addBinding", { name: "standinSend", executionContextName: worldName }),
      call("Page.addScriptToEvaluateOnNewDocument", { source: mainWorld }),
      call("Page.addScriptToEvaluateOnNewDocument", { source: this.#preloadScript(), worldName }),
      call("Fetch.enable", { patterns: [{ resourceType: "Document", requestStage: "Request" }] }),
      this.#setPermissions(call),
    ]);
    return { cdp, session, frame: created.targetId };
  }

  #preloadScript(): string {
    const { preload, additionalArguments = [] } = this.#preferences;
    const source = preload === undefined ? "" : readFileSync(preload, "utf8");
    // Functions, so that a $ in the preload stays one.
    return isolatedWorld
      .replace("PRELOAD", () => `((require, process, module, exports) => {\n${source}\n})`)
      .replace("PLATFORM", () => JSON.stringify(process.platform))
      .replace("ARGV", () => JSON.stringify(["electron", ...additionalArguments]));
  }

  /** What the session's handlers say is what the browser does. */
  async #setPermissions(call: (method: string, params: object) => Promise<unknown>): Promise<void> {
    const origin = this.#runtime.schemes.outward("app://berth");
    const names = {
      geolocation: "geolocation",
      notifications: "notifications",
      media: "camera",
      "clipboard-read": "clipboard-read",
      midi: "midi",
    };
    for (const [permission, name] of Object.entries(names)) {
      const granted = this.#runtime.permissions.check(null, permission, "app://berth/", {});
      await call("Browser.setPermission", { permission: { name }, setting: granted ? "granted" : "denied", origin });
    }
  }

  #take(method: string, params: unknown, own: { cdp: Cdp; session: string; frame: string }): void {
    switch (method) {
      case "Runtime.executionContextCreated": {
        const { context } = contextSchema.parse(params);
        if (context.name === worldName && context.auxData.frameId === own.frame) this.#context = context.id;
        return;
      }
      case "Runtime.exceptionThrown":
        // A preload that fails says so nowhere else.
        this.#runtime.fail(new Error(JSON.stringify(params)));
        return;
      case "Runtime.bindingCalled": {
        const { payload, executionContextId } = bindingSchema.parse(params);
        if (executionContextId === this.#context) void this.#onMessage(payload);
        return;
      }
      case "Page.frameNavigated": {
        const { frame } = navigatedSchema.parse(params);
        if (frame.parentId === undefined) this.#url = frame.url;
        return;
      }
      case "Page.lifecycleEvent": {
        const { name, frameId } = lifecycleSchema.parse(params);
        if (frameId !== own.frame || this.#url === "about:blank" || name !== "firstPaint" || this.#painted) return;
        this.#painted = true;
        this.emit("standin-painted");
        return;
      }
      case "Page.windowOpen":
        this.#openHandler({ url: z.object({ url: z.string() }).parse(params).url, frameName: "", features: "", disposition: "new-window" });
        return;
      case "Inspector.targetCrashed":
        this.emit("render-process-gone", {}, { reason: "crashed", exitCode: 1 });
        return;
      case "Fetch.requestPaused":
        void this.#onNavigation(pausedSchema.parse(params), own);
    }
  }

  async #onNavigation({ requestId, frameId, request }: z.infer<typeof pausedSchema>, own: { cdp: Cdp; session: string; frame: string }) {
    const isMainFrame = frameId === own.frame;
    const isOwn = isMainFrame && request.url === this.#ownNavigation;
    if (isOwn) this.#ownNavigation = "";
    let prevented = false;
    const event = { url: this.#runtime.schemes.inward(request.url), isMainFrame, preventDefault: () => (prevented = true) };
    if (!isOwn && isMainFrame) this.emit("will-navigate", event);
    if (!isOwn) this.emit("will-frame-navigate", event);
    const [method, rest] = prevented ? ["Fetch.failRequest", { errorReason: "Aborted" }] : ["Fetch.continueRequest", {}];
    await own.cdp.call(method, { requestId, ...rest }, own.session).catch(() => undefined);
  }

  async #onMessage(payload: string): Promise<void> {
    const message = messageSchema.parse(JSON.parse(payload));
    try {
      const value = message.kind === "invoke" ? await this.#invoke(message.channel, message.args) : await this.#pathOf(message.key);
      await this.#deliver({ kind: "value", id: message.id, value });
    } catch (error) {
      await this.#deliver({ kind: "error", id: message.id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  async #invoke(channel: string, args: unknown[]): Promise<unknown> {
    const handler = this.#runtime.ipcHandlers.get(channel);
    if (handler === undefined) throw new Error(`no handler for ${channel}`);
    return handler({ sender: this, senderFrame: { url: this.getURL(), parent: null }, processId: 1, frameId: 1 }, ...args);
  }

  async #pathOf(key: number): Promise<string> {
    const { cdp, session } = await this.#ready;
    const found = z
      .object({ result: z.object({ objectId: z.string() }) })
      .parse(await cdp.call("Runtime.evaluate", { expression: `standinFiles.get(${key})`, contextId: this.#context }, session));
    const info = await cdp.call("DOM.getFileInfo", { objectId: found.result.objectId }, session);
    return z.object({ path: z.string() }).parse(info).path;
  }

  async #deliver(message: object): Promise<void> {
    const { cdp, session } = await this.#ready;
    if (this.#destroyed || this.#context === undefined) return;
    const expression = `standinDeliver(${JSON.stringify(message)})`;
    // A page that went away in between hears nothing, as in Electron.
    await cdp.call("Runtime.evaluate", { expression, contextId: this.#context }, session).catch(() => undefined);
  }
}
