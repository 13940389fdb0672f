/** One part of the bundle as it is shown and saved. */
export interface BundlePart {
  readonly title: string;
  readonly text: string;
}

/** The file: exactly what was shown, each part under its name. */
export function bundleText(parts: readonly BundlePart[]): string {
  return parts.map(({ title, text }) => `===== ${title} =====\n${text.trimEnd()}\n`).join("\n");
}
