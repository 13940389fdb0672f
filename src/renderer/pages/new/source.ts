import { BerthError } from "../../../contract/berth-error.ts";
import { type ContextUrl, parseContextUrl } from "../../../contract/context-url.ts";

/** What a typed or pasted text means. */
export type Source =
  | { readonly kind: "empty" }
  | { readonly kind: "repository"; readonly url: string; readonly context: ContextUrl }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "invalid"; readonly reason: "folder" | "address"; readonly detail: string };

/** How a folder is written where an address could stand. */
const folderScheme = "berth-folder:";

/** Understands a text as the address of a repository or as a folder of this computer. Total. */
export function understand(text: string): Source {
  const trimmed = text.trim();
  if (trimmed === "") return { kind: "empty" };
  const path = pathOf(trimmed);
  if (path !== undefined) return { kind: "folder", path };
  if (/^(~|\.{1,2})(\/|$)|^[A-Za-z]:\\/.test(trimmed)) return { kind: "invalid", reason: "folder", detail: "" };
  try {
    return { kind: "repository", url: trimmed, context: parseContextUrl(trimmed) };
  } catch (error) {
    const detail = error instanceof BerthError && error.detail.includes("password") ? error.detail : "";
    return { kind: "invalid", reason: "address", detail };
  }
}

function pathOf(text: string): string | undefined {
  if (text.startsWith(folderScheme)) return pathOf(text.slice(folderScheme.length));
  if (text.startsWith("file://")) return pathOf(decoded(text.slice("file://".length)));
  return text.startsWith("/") && !text.startsWith("//") ? text.replace(/(.)\/+$/, "$1") : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How EnvironmentMetadata.original_context_url tells this source. */
export function contextUrlOf(source: Source): string {
  return source.kind === "repository" ? source.url : source.kind === "folder" ? `${folderScheme}${source.path}` : "";
}

/** A source for people: a folder's path, or the address without what all have. */
export function shownSource(contextUrl: string): string {
  return contextUrl.startsWith(folderScheme) ? contextUrl.slice(folderScheme.length) : contextUrl.replace(/^https:\/\//, "");
}

/** The name the environment gets when none is given. */
export function suggestedName(source: Source): string {
  if (source.kind === "repository") return source.context.repository;
  return source.kind === "folder" ? (source.path.split("/").at(-1) ?? "") : "";
}
