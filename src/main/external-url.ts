const maxUrlLength = 4096;
const editorSchemes: ReadonlySet<string> = new Set([
  "vscode:",
  "vscode-insiders:",
  "cursor:",
  "windsurf:",
  "zed:",
  "jetbrains:",
  "jetbrains-gateway:",
]);

/** The address as it may be given to the system's browser or mail program; nothing when it is of any other kind. */
export function externalUrl(text: string): string | undefined {
  const url = parse(text);
  if (url === undefined) return undefined;
  if (url.protocol === "mailto:") return /^mailto:[^\s?@/]+@[^\s?@/]+$/.test(url.href) ? url.href : undefined;
  return url.protocol === "https:" && url.hostname !== "" && url.username === "" && url.password === "" ? url.href : undefined;
}

/** The same for the link of an editor that EditorService made; no other text may come here. */
export function editorUrl(text: string): string | undefined {
  const url = parse(text);
  return url !== undefined && editorSchemes.has(url.protocol) ? url.href : undefined;
}

/** The same for a port of an environment, which is forwarded on this computer. */
export function portUrl(text: string): string | undefined {
  const url = parse(text);
  return url !== undefined && /^https?:$/.test(url.protocol) && url.hostname === "127.0.0.1" && url.port !== "" ? url.href : undefined;
}

function parse(text: string): URL | undefined {
  // What URL would repair is somebody's trick.
  if (text.length > maxUrlLength || !/^[a-z][a-z-]*:[\x21-\x7e]+$/.test(text) || text.includes("\\")) return undefined;
  return URL.parse(text) ?? undefined;
}
