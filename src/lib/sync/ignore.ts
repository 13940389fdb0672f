import { foldersAbove, nameIn } from "./entries.ts";
import { temporaryPattern } from "./names.ts";

const maxPatterns = 100;
const maxPatternLength = 200;
/** Never synced: both sides' own, and what git or a package manager keeps in step by other means. */
const alwaysIgnored: readonly string[] = [".git", "node_modules"];
/** What some file systems leave out of a name, so that it can be taken for another one. */
const invisible = /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** Whether a path itself is left out; what is below a folder that is left out is not asked for. */
export type Ignore = (path: string) => boolean;

/** Why a pattern is not accepted; nothing when it is. */
function patternProblem(pattern: string): string | undefined {
  if (pattern === "" || pattern.length > maxPatternLength) return `a pattern has 1 to ${maxPatternLength} characters`;
  if (pattern.startsWith("!")) return "a pattern cannot take back another one";
  return /[\\[\]{}]/.test(pattern) ? "a pattern has the wildcards *, ** and ? only" : undefined;
}

/**
 * A pattern without a slash means a name at any depth, one with a slash a path from the root; a slash at its end is
 * not counted. `*` and `?` stay within a name, `**` does not.
 */
export function ignoreOf(patterns: readonly string[]): Ignore {
  if (patterns.length > maxPatterns) throw new Error(`there are more than ${maxPatterns} patterns`);
  const own = patterns.map((pattern) => {
    const problem = patternProblem(pattern);
    if (problem !== undefined) throw new Error(`${problem}: '${pattern}'`);
    const trimmed = pattern.replace(/\/+$/, "");
    const isPath = trimmed.includes("/");
    return { isPath, expression: expressionOf(trimmed.replace(/^\/+/, "")) };
  });
  return (path) => {
    const name = nameIn(path);
    return isOurs(name) || own.some(({ isPath, expression }) => expression.test(isPath ? path : name));
  };
}

/** Whether a path or a folder above it is left out. */
export function isLeftOut(ignore: Ignore, path: string): boolean {
  return ignore(path) || foldersAbove(path).some(ignore);
}

/** In every spelling that a file system of this computer may take for the name: writing git's hooks would run them. */
function isOurs(name: string): boolean {
  if (temporaryPattern.test(name)) return true;
  const plain = name.normalize("NFC").replace(invisible, "").toLowerCase();
  return alwaysIgnored.includes(plain) || plain === "git~1";
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      return part === "?" ? "[^/]" : part.replace(/[.+^$()|]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${source}$`, "u");
}
