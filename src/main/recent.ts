const maxRecent = 20;

/** The recent repositories after those of `sources`, newest first, were seen. Folders are no addresses and are left out. */
export function rememberRecent(recent: readonly string[], sources: readonly string[]): readonly string[] {
  const fresh = sources.filter((source) => source.startsWith("https://") && !recent.includes(source));
  return [...new Set([...fresh, ...recent])].slice(0, maxRecent);
}

/** An address as a menu shows it. */
export function repositoryLabel(source: string): string {
  const url = URL.parse(source);
  return url === null ? source : `${url.host}${url.pathname}`.replace(/^github\.com\//, "").replace(/\.git$/, "");
}
