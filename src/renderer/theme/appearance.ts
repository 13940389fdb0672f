import { z } from "zod";

const appearanceSchema = z.object({
  theme: z.enum(["system", "light", "dark"]).catch("system"),
  contrast: z.enum(["system", "more"]).catch("system"),
  density: z.enum(["system", "compact", "roomy"]).catch("system"),
  motion: z.enum(["system", "less"]).catch("system"),
  language: z.enum(["system", "en", "de"]).catch("system"),
});

/** How the window looks on this computer; kept by the browser, since it is about the screen and not about work. */
export type Appearance = z.infer<typeof appearanceSchema>;

const storageKey = "berth.appearance";

export function loadAppearance(storage: Storage): Appearance {
  try {
    return appearanceSchema.parse(JSON.parse(storage.getItem(storageKey) ?? "{}"));
  } catch {
    return appearanceSchema.parse({});
  }
}

export function saveAppearance(storage: Storage, appearance: Appearance): void {
  storage.setItem(storageKey, JSON.stringify(appearance));
}

/** Tells the style sheet (theme/tokens.css), which follows the system where nothing is said. */
export function applyAppearance(root: HTMLElement, appearance: Appearance, language: string): void {
  root.lang = language;
  setOrRemove(root, "data-theme", appearance.theme);
  setOrRemove(root, "data-contrast", appearance.contrast);
  setOrRemove(root, "data-motion", appearance.motion);
  setOrRemove(root, "data-density", appearance.density);
}

function setOrRemove(root: HTMLElement, name: string, value: string): void {
  if (value === "system") root.removeAttribute(name);
  else root.setAttribute(name, value);
}
