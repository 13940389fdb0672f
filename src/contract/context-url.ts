import { BerthError } from "./berth-error.ts";

/** What a pasted address means. */
export interface ContextUrl {
  readonly cloneUrl: string;
  readonly host: string;
  readonly owner: string;
  readonly repository: string;
  readonly branch: string;
  readonly tag: string;
  readonly commit: string;
  /** Number of a pull or merge request. */
  readonly pullRequest: string;
  /** The remote's ref that holds the head of the pull request. */
  readonly pullRequestRef: string;
  readonly issue: string;
}

const commitPattern = /^[0-9a-f]{7,64}$/;
const scpPattern = /^(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)([^\s]+)$/;

/** An option, no host, control characters, a remote helper, a way up. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenPatterns = [/^-/, /^[a-z]+:\/\/\//i, /[\u0000-\u0020\u007f]/, /::/, /\/\.\.(\/|$)/];

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenInParts = /^-|[\u0000-\u001f\u007f]/;

/**
 * Reads an address as people paste it: pages of GitHub, GitLab, Bitbucket, Azure DevOps and Gitea or Forgejo,
 * or a plain git address. Fails with `url-invalid` for everything that is not an https, http or ssh address.
 */
export function parseContextUrl(text: string): ContextUrl {
  const input = text.trim();
  if (input === "" || forbiddenPatterns.some((pattern) => pattern.test(input))) throw invalid(input);
  if (!input.includes("://")) {
    const scp = scpPattern.exec(input);
    if (scp !== null && input.includes("@")) return parseScp(input, scp[2] ?? "", scp[3] ?? "");
    if (/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\/.+/.test(input)) return parseContextUrl(`https://${input}`);
    throw invalid(input);
  }
  let url: URL;
  try {
    url = new URL(input);
  } catch {
    throw invalid(input);
  }
  if (
    !["https:", "http:", "ssh:"].includes(url.protocol) ||
    url.hostname === "" ||
    url.hostname.startsWith("-") ||
    decodeURIComponent(url.username).startsWith("-")
  )
    throw invalid(input);
  if (url.password !== "") throw new BerthError("url-invalid", "an address must not hold a password; add a token for its host instead");
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const decoded = parts.map((part) => decode(part, input));
  if (parts.length === 0 || decoded.some((part) => isForbiddenPart(part) && part !== "-")) throw invalid(input);
  const context = url.protocol === "ssh:" ? plain(input, url, decoded) : parsePage(url, decoded);
  // What stands in the query was not among the parts.
  if ([context.branch, context.tag, context.commit].some(isForbiddenPart)) throw invalid(input);
  return context;
}

function decode(part: string, input: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(input);
  }
}

/** Percent signs can hide what the address as a whole was searched for. */
function isForbiddenPart(part: string): boolean {
  return part.split("/").includes("..") || forbiddenInParts.test(part);
}

function parsePage(url: URL, parts: readonly string[]): ContextUrl {
  const host = url.hostname;
  if (host === "dev.azure.com" || parts.includes("_git")) return parseAzure(url, parts);
  const dash = parts.indexOf("-");
  if (dash > 0 || host.includes("gitlab")) return parseGitLab(url, parts, dash);
  if (parts.length > 2 && host === "bitbucket.org") return parseBitbucket(url, parts);
  if (/^(projects|users)$/.test(parts[0] ?? "") && parts[2] === "repos" && parts[3] !== undefined) return parseBitbucketServer(url, parts);
  if (parts.length > 3 && parts[2] === "src") return parseGitea(url, parts);
  if (parts.length > 2 && /^(tree|blob|commit|pulls?|issues|releases)$/.test(parts[2] ?? "")) return parseGitHub(url, parts);
  return plain(`${url.protocol}//${url.username === "" ? "" : `${url.username}@`}${url.host}${url.pathname}`, url, parts);
}

function parseGitHub(url: URL, parts: readonly string[]): ContextUrl {
  const base = repositoryOf(url, parts.slice(0, 2));
  const [, , kind, ...rest] = parts;
  if (kind === "tree") return withRef(base, rest.join("/"));
  // A file's address has no way to tell a branch with slashes from the path; the first part is the usual branch.
  if (kind === "blob") return withRef(base, rest[0] ?? "");
  if (kind === "commit") return { ...base, commit: rest[0] ?? "" };
  if (kind === "pull" || kind === "pulls") return withPullRequest(base, rest[0], (number) => `refs/pull/${number}/head`);
  if (kind === "issues") return { ...base, issue: digits(rest[0]) };
  return rest[0] === "tag" ? { ...base, tag: rest[1] ?? "" } : base;
}

function parseGitLab(url: URL, parts: readonly string[], dash: number): ContextUrl {
  const base = repositoryOf(url, dash < 0 ? parts : parts.slice(0, dash));
  const [kind, ...rest] = dash < 0 ? [] : parts.slice(dash + 1);
  if (kind === "tree") return withRef(base, rest.join("/"));
  if (kind === "blob") return withRef(base, rest[0] ?? "");
  if (kind === "commit") return { ...base, commit: rest[0] ?? "" };
  if (kind === "tags") return { ...base, tag: rest[0] ?? "" };
  if (kind === "merge_requests") return withPullRequest(base, rest[0], (number) => `refs/merge-requests/${number}/head`);
  if (kind === "issues") return { ...base, issue: digits(rest[0]) };
  return base;
}

function parseBitbucket(url: URL, parts: readonly string[]): ContextUrl {
  const base = repositoryOf(url, parts.slice(0, 2));
  const [, , kind, ...rest] = parts;
  if (kind === "branch") return { ...base, branch: rest.join("/") };
  if (kind === "src") return withRef(base, rest[0] ?? "");
  if (kind === "commits") return { ...base, commit: rest[0] ?? "" };
  if (kind === "pull-requests" && digits(rest[0]) !== "")
    throw new BerthError("url-invalid", "bitbucket.org offers pull requests to no git client; use the address of the request's branch");
  if (kind === "issues") return { ...base, issue: digits(rest[0]) };
  return base;
}

/** Pages of Bitbucket Data Center, whose repositories are cloned from /scm. */
function parseBitbucketServer(url: URL, parts: readonly string[]): ContextUrl {
  const [place, owner = "", , repository = "", kind, number] = parts;
  const base = { ...repositoryOf(url, ["scm", place === "users" ? `~${owner}` : owner.toLowerCase(), repository]), owner };
  if (kind === "pull-requests") return withPullRequest(base, number, (n) => `refs/pull-requests/${n}/from`);
  if (kind === "commits" && number !== undefined) return { ...base, commit: number };
  const at = url.searchParams.get("at") ?? "";
  if (at.startsWith("refs/tags/")) return { ...base, tag: at.slice("refs/tags/".length) };
  return at === "" ? base : withRef(base, at.replace(/^refs\/heads\//, ""));
}

/** Branches, tags and commits of Gitea and Forgejo; their other pages are named like GitHub's. */
function parseGitea(url: URL, parts: readonly string[]): ContextUrl {
  const base = repositoryOf(url, parts.slice(0, 2));
  const [, , , type, ...rest] = parts;
  if (type === "branch") return { ...base, branch: rest.join("/") };
  if (type === "tag") return { ...base, tag: rest.join("/") };
  return type === "commit" ? { ...base, commit: rest[0] ?? "" } : base;
}

function parseAzure(url: URL, parts: readonly string[]): ContextUrl {
  const at = parts.indexOf("_git");
  const repository = parts[at + 1];
  if (at < 0 || repository === undefined) throw invalid(url.href);
  const path = parts
    .slice(0, at + 2)
    .map(encodeURIComponent)
    .join("/");
  const base = { ...empty, cloneUrl: `https://${url.host}/${path}`, host: url.host, owner: parts.slice(0, at).join("/"), repository };
  const version = url.searchParams.get("version") ?? "";
  // Azure keeps no ref of the head alone, only of its merge with the target.
  if (parts[at + 2] === "pullrequest") return withPullRequest(base, parts[at + 3], (number) => `refs/pull/${number}/merge`);
  if (parts[at + 2] === "commit") return { ...base, commit: parts[at + 3] ?? "" };
  if (version.startsWith("GB")) return { ...base, branch: version.slice(2) };
  if (version.startsWith("GT")) return { ...base, tag: version.slice(2) };
  return version.startsWith("GC") ? { ...base, commit: version.slice(2) } : base;
}

const empty: ContextUrl = {
  cloneUrl: "",
  host: "",
  owner: "",
  repository: "",
  branch: "",
  tag: "",
  commit: "",
  pullRequest: "",
  pullRequestRef: "",
  issue: "",
};

function repositoryOf(url: URL, parts: readonly string[]): ContextUrl {
  const repository = withoutGit(parts.at(-1) ?? "");
  const owner = parts.slice(0, -1).join("/");
  return {
    ...empty,
    cloneUrl: `${url.protocol}//${url.host}/${[...parts.slice(0, -1), repository].map(encodeURIComponent).join("/")}.git`,
    host: url.host,
    owner,
    repository,
  };
}

function plain(cloneUrl: string, url: URL, parts: readonly string[]): ContextUrl {
  const repository = withoutGit(parts.at(-1) ?? "");
  return { ...empty, cloneUrl: cloneUrl.replace(/\/$/, ""), host: url.host, owner: parts.slice(0, -1).join("/"), repository };
}

function parseScp(input: string, host: string, path: string): ContextUrl {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length === 0 || parts.some((part) => part.startsWith("-") || part === "..")) throw invalid(input);
  return { ...empty, cloneUrl: input, host, owner: parts.slice(0, -1).join("/"), repository: withoutGit(parts.at(-1) ?? "") };
}

function withRef(base: ContextUrl, ref: string): ContextUrl {
  return /^[0-9a-f]{40}$/.test(ref) || (commitPattern.test(ref) && ref.length >= 12) ? { ...base, commit: ref } : { ...base, branch: ref };
}

function withPullRequest(base: ContextUrl, number: string | undefined, refOf: (number: string) => string): ContextUrl {
  const pullRequest = digits(number);
  return pullRequest === "" ? base : { ...base, pullRequest, pullRequestRef: refOf(pullRequest) };
}

function digits(text: string | undefined): string {
  return /^\d+$/.test(text ?? "") ? (text ?? "") : "";
}

function withoutGit(name: string): string {
  return name.replace(/\.git$/, "");
}

function invalid(text: string): BerthError {
  return new BerthError("url-invalid", `'${text.slice(0, 200)}' is not the address of a repository`);
}
