import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { DesktopSettings } from "../contract/desktop-bridge.ts";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { rememberRecent } from "./recent.ts";

const acceleratorPattern =
  /^(?:(?:CommandOrControl|CmdOrCtrl|Command|Cmd|Control|Ctrl|Alt|Option|AltGr|Shift|Super|Meta)\+){1,4}(?:[A-Z0-9]|F(?:[1-9]|1\d|2[0-4])|Space|Tab|Plus|Up|Down|Left|Right|Home|End|PageUp|PageDown)$/;

const settingsSchema = z.strictObject({
  theme: z.enum(["system", "light", "dark"]),
  launchAtLogin: z.boolean(),
  globalShortcut: z.union([z.literal(""), z.string().max(80).regex(acceleratorPattern)]),
  onQuit: z.enum(["ask", "leave", "suspend", "stop"]),
  keepInTray: z.boolean(),
  notifyReady: z.boolean(),
  notifyFailed: z.boolean(),
  notifyPorts: z.boolean(),
  updateChannel: z.enum(["stable", "beta"]),
  updateFeed: z.union([z.literal(""), z.url({ protocol: /^https$/ }).max(500)]),
}) satisfies z.ZodType<DesktopSettings>;

/** What the window may change; keys that are no settings are refused. */
export const settingsChangeSchema = settingsSchema.partial();

const boundsSchema = z.object({ x: z.int(), y: z.int(), width: z.int().positive(), height: z.int().positive() });

const fileSchema = z.object({
  settings: settingsSchema,
  window: z.object({ bounds: boundsSchema.optional(), maximized: z.boolean() }),
  recent: z.array(z.string().max(2048)).max(50),
});

export type DesktopFile = z.infer<typeof fileSchema>;

const defaults: DesktopFile = {
  settings: {
    theme: "system",
    launchAtLogin: false,
    globalShortcut: "",
    onQuit: "ask",
    keepInTray: true,
    notifyReady: true,
    notifyFailed: true,
    notifyPorts: true,
    updateChannel: "stable",
    updateFeed: "",
  },
  window: { maximized: false },
  recent: [],
};

/** The app's own file: its settings, where its window was, and which repositories were used. */
export class SettingsFile {
  readonly #path: string;
  #content: DesktopFile;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#content = read(path);
  }

  get settings(): DesktopSettings {
    return this.#content.settings;
  }

  get window(): DesktopFile["window"] {
    return this.#content.window;
  }

  get recent(): readonly string[] {
    return this.#content.recent;
  }

  async change(change: z.infer<typeof settingsChangeSchema>): Promise<void> {
    // Absent and undefined are the same here: neither changes anything.
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    return this.#save({ ...this.#content, settings: settingsSchema.parse({ ...this.#content.settings, ...given }) });
  }

  async rememberWindow(window: DesktopFile["window"]): Promise<void> {
    return this.#save({ ...this.#content, window });
  }

  async rememberSources(sources: readonly string[]): Promise<void> {
    const recent = rememberRecent(this.#content.recent, sources);
    if (recent.join("\n") !== this.#content.recent.join("\n")) await this.#save({ ...this.#content, recent: [...recent] });
  }

  /** One write after the other; the last one holds everything. */
  async #save(content: DesktopFile): Promise<void> {
    this.#content = content;
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(async () => writeFileAtomically(this.#path, JSON.stringify(this.#content, null, 2)));
    return this.#saving;
  }
}

/** A file that another version or a hand has spoilt costs the settings, not the start. */
function read(path: string): DesktopFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    const settings = z.looseObject({ settings: z.looseObject({}) }).safeParse(found);
    const whole = { ...defaults, ...(settings.success ? settings.data : {}) };
    const parsed = fileSchema.safeParse({ ...whole, settings: known({ ...defaults.settings, ...whole.settings }) });
    return parsed.success ? parsed.data : defaults;
  } catch {
    return defaults;
  }
}

/** Without settings of a newer version. */
function known(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => Object.hasOwn(defaults.settings, name)));
}
