/** A whole number that somebody typed; undefined when it is none, or outside the bounds. */
export function wholeNumberIn(text: string, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return /^\d+$/.test(trimmed) && value >= min && value <= max ? value : undefined;
}
