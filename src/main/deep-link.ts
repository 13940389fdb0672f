import { parseContextUrl } from "../contract/context-url.ts";

/** Longer links are nobody's: an address of a repository has far less. */
const maxLinkLength = 2048;
const scheme = "berth:";
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What a link of another program or a web page asks for. Nothing happens until the person says so in the window. */
export type DeepLink = { readonly kind: "new"; readonly url: string } | { readonly kind: "open"; readonly environmentId: string };

/** Reads `berth://new?url=…` and `berth://open/ENVIRONMENT`; nothing for any other text. */
export function parseDeepLink(text: string): DeepLink | undefined {
  if (text.length > maxLinkLength || !/^berth:\/\/[\x21-\x7e]+$/.test(text)) return undefined;
  const link = URL.parse(text);
  if (link === null || link.protocol !== scheme || link.username !== "" || link.password !== "" || link.port !== "" || link.hash !== "")
    return undefined;
  if (link.hostname === "open") {
    const id = link.pathname.slice(1);
    return link.search === "" && idPattern.test(id) ? { kind: "open", environmentId: id } : undefined;
  }
  if (link.hostname !== "new" || (link.pathname !== "" && link.pathname !== "/")) return undefined;
  const parameters = [...link.searchParams];
  const [name, url] = parameters[0] ?? ["", ""];
  return parameters.length === 1 && name === "url" && isRepositoryAddress(url) ? { kind: "new", url } : undefined;
}

/** The link among a program's arguments. Only a link is ever taken from them: switches beside it are another's. */
export function deepLinkOf(argv: readonly string[]): DeepLink | undefined {
  const links = argv.slice(1).filter((argument) => argument.startsWith(`${scheme}//`));
  return links.length === 1 ? parseDeepLink(links[0] ?? "") : undefined;
}

/** The route of the window that shows what a link asks for, and asks back. */
export function routeOfLink(link: DeepLink): string {
  return link.kind === "new" ? `/new?url=${encodeURIComponent(link.url)}&from=link` : `/environments/${link.environmentId}/overview`;
}

/** Over https only: a link of a web page has no business with a person's ssh keys. */
function isRepositoryAddress(text: string): boolean {
  try {
    return text.startsWith("https://") && text === text.trim() && parseContextUrl(text).repository !== "";
  } catch {
    return false;
  }
}
