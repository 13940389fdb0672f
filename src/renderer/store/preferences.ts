import { createStore, type StoreApi } from "zustand/vanilla";
import { z } from "zod";

const maxRecentSources = 8;
const storageKey = "berth.preferences";

const preferencesSchema = z.object({
  layout: z.enum(["list", "cards"]).catch("list"),
  groupBy: z.enum(["none", "project", "state", "machine"]).catch("none"),
  sortBy: z.enum(["activity", "name", "created", "state"]).catch("activity"),
  /** EditorService's short name of the editor that opens without asking. */
  defaultEditor: z.string().catch("vscode"),
  /** Addresses and folders that environments were made of, youngest first. */
  recentSources: z.array(z.string()).catch([]),
});

/** How the person likes to work in this window; kept by the browser. */
export type Preferences = z.infer<typeof preferencesSchema>;

export function createPreferences(storage: Storage): StoreApi<Preferences> {
  const store = createStore<Preferences>(() => read(storage));
  store.subscribe((now) => storage.setItem(storageKey, JSON.stringify(now)));
  return store;
}

function read(storage: Storage): Preferences {
  try {
    return preferencesSchema.parse(JSON.parse(storage.getItem(storageKey) ?? "{}"));
  } catch {
    return preferencesSchema.parse({});
  }
}

/** The recent sources with one more at their head. */
export function withRecent(sources: readonly string[], source: string): string[] {
  return [source, ...sources.filter((other) => other !== source)].slice(0, maxRecentSources);
}
