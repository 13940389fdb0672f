/** Which names of a list somebody typed, with commas or line ends between them. */
export function typedNames(text: string, names: readonly string[]): ReadonlySet<string> {
  const typed = new Set(text.split(/[,\n]/).map((part) => part.trim()));
  return new Set(names.filter((name) => typed.has(name)));
}
