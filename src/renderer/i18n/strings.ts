import type { en } from "./en.ts";

/** The catalogue's shape: every language must have each text, with the same things in it. */
export type Strings = Widened<typeof en>;

type Widened<T> = T extends string
  ? string
  : T extends (...args: infer Arguments) => string
    ? (...args: Arguments) => string
    : { readonly [Key in keyof T]: Widened<T[Key]> };

export type Language = "en" | "de";

/** The person's language where Berth speaks it, else English. */
export function languageOf(wanted: Language | "system", systemLanguages: readonly string[]): Language {
  if (wanted !== "system") return wanted;
  const first = systemLanguages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "de");
  return first === "de" ? "de" : "en";
}
