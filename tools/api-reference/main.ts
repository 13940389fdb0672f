import type { DescFile, DescMethod } from "@bufbuild/protobuf";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { authorizationTable, authorizedServices } from "../../src/plane/authorization/table.ts";
import { documentedGaps } from "./gaps.ts";
import { protoComments } from "./proto-comments.ts";
import { referencePages } from "./pages.ts";

/** `npm run gen` writes docs/api from proto/ and the table that the plane decides by. */
const root = join(import.meta.dirname, "../..");
const served = "gitpod.v1";

/** The pages by name. */
export function apiReference(): Map<string, string> {
  const services = authorizedServices.filter(({ typeName }) => typeName.startsWith(`${served}.`));
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file) || file.proto.package !== served) return;
    files.add(file);
    for (const dependency of file.dependencies) add(dependency);
  };
  for (const { file } of services) add(file);
  const folder = join(root, "proto/gitpod/v1");
  const comments = readdirSync(folder).flatMap((name) => [...protoComments(readFileSync(join(folder, name), "utf8"))]);
  const gaps = new Set(documentedGaps(readFileSync(join(root, "docs/API.md"), "utf8")));
  return referencePages({
    gaps,
    files: [...files].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    comments: new Map(comments),
    rowOf: (method: DescMethod) => authorizationTable.get(`${method.parent.typeName}/${method.name}`),
  });
}

if (import.meta.main) {
  const folder = join(root, "docs/api");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of apiReference()) writeFileSync(join(folder, name), text);
}
