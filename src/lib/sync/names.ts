import { nameIn, parentOf, syncLimits, type SkipReason } from "./entries.ts";

const maxNameBytes = 255;
const maxPathBytes = 2048;
const maxLinkBytes = 1024;
/** Ours while a file is being written; never synced, and removed by a scan when it was left behind. */
export const temporaryPattern = /^\.berth-sync-[0-9a-f]{16}\.tmp$/;
const conflictPattern = /^(.*)\.conflict-computer-\d{8}-\d{6}(?:-\d+)?(\.[^.]*)?$/;
const windowsForbidden = /[<>:"|?*\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
/** U+FFFD stands for bytes that are no text: such a name cannot be found again by what was read. */
// eslint-disable-next-line no-control-regex
const unspeakable = /[\u0000-\u001f\u007f-\u009f\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Why a name is not synced; nothing when it may be. */
export function nameProblem(name: string, platform: NodeJS.Platform = process.platform): SkipReason | undefined {
  if (name === "" || name === "." || name === ".." || /[/\\]/.test(name) || unspeakable.test(name)) return "name";
  if (Buffer.byteLength(name) > maxNameBytes) return "name";
  return platform === "win32" && windowsForbidden.test(name) ? "name" : undefined;
}

/** Why a path is not synced: every name on it is checked, since it may come from a machine. */
export function pathProblem(path: string, platform: NodeJS.Platform = process.platform): SkipReason | undefined {
  if (Buffer.byteLength(path) > maxPathBytes) return "name";
  const names = path.split("/");
  if (names.length > syncLimits.maxDepth) return "too-deep";
  return names.some((name) => nameProblem(name, platform) !== undefined) ? "name" : undefined;
}

/**
 * Whether a symbolic link leads to where it may: relative, and not out of the synced folder. ".." is accepted only
 * before all other names: behind one that is itself a link it would lead elsewhere than it seems.
 */
export function isLinkInside(path: string, target: string): boolean {
  if (target === "" || Buffer.byteLength(target) > maxLinkBytes || /^[/\\]|\\/.test(target) || unspeakable.test(target)) return false;
  const names = target.split("/");
  const firstDown = names.findIndex((name) => name !== "..");
  const ups = firstDown < 0 ? names.length : firstDown;
  const depth = path.split("/").length - 1;
  return ups <= depth && !names.slice(ups).includes("..");
}

/** Under which name this computer's version of a file is kept when the environment has another one. */
export function conflictPath(path: string, at: Date, isTaken: (path: string) => boolean): string {
  const name = nameIn(path);
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const digits = at.toISOString().replace(/[-:]/g, "");
  const time = `${digits.slice(0, 8)}-${digits.slice(9, 15)}`;
  for (let n = 1; ; n++) {
    const suffix = `.conflict-computer-${time}${n === 1 ? "" : `-${n}`}${Buffer.byteLength(extension) > 32 ? "" : extension}`;
    const kept = `${shortened(stem, maxNameBytes - Buffer.byteLength(suffix))}${suffix}`;
    const result = parentOf(path) === "" ? kept : `${parentOf(path)}/${kept}`;
    if (!isTaken(result)) return result;
  }
}

/** The path whose other version a path is kept beside; nothing when it is an ordinary path. */
export function conflictOf(path: string): string | undefined {
  const match = conflictPattern.exec(nameIn(path));
  if (match === null) return undefined;
  const original = `${match[1] ?? ""}${match[2] ?? ""}`;
  return parentOf(path) === "" ? original : `${parentOf(path)}/${original}`;
}

function shortened(text: string, maxBytes: number): string {
  let short = text;
  while (Buffer.byteLength(short) > maxBytes) short = [...short].slice(0, -1).join("");
  return short;
}
