import { sep } from "node:path";

/** Whether a path is a folder or something in it; both are absolute and no links. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
