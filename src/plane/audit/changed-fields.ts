import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";

/** How deep names go: `metadata.name`, and no further. */
const maxDepth = 2;

/** The names of the fields that differ between two messages; never their values. */
export function changedFields<Desc extends DescMessage>(schema: Desc, before: MessageShape<Desc>, after: MessageShape<Desc>): string[] {
  return differences(toJson(schema, before), toJson(schema, after), "", maxDepth);
}

function differences(before: JsonValue | undefined, after: JsonValue | undefined, path: string, depth: number): string[] {
  if (isSame(before, after)) return [];
  if (depth === 0 || !isFields(before) || !isFields(after)) return path === "" ? [] : [path];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name) => differences(before[name], after[name], path === "" ? name : `${path}.${name}`, depth - 1));
}

function isFields(value: JsonValue | undefined): value is { [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
