const maxPathLength = 2048;
/** Nobody's: only what stays on it is a path of ours. */
const anyOrigin = "https://plane.invalid";

/** Where a browser may go after sign-in: a path on the plane's own origin, and `/` for everything else (no open redirect). */
export function safeReturnPath(text: string | null): string {
  if (text === null || text.length > maxPathLength || !text.startsWith("/") || /[\\\p{Cc}]/u.test(text)) return "/";
  const url = URL.parse(text, anyOrigin);
  if (url === null || url.origin !== anyOrigin || url.pathname.startsWith("//")) return "/";
  return `${url.pathname}${url.search}`;
}
