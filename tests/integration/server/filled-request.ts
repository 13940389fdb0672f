import { type DescField, type DescMessage, type DescMethod, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { randomUUID } from "node:crypto";
import { authorizationTable } from "../../../src/plane/authorization/table.ts";
import type { Ids } from "./attack-world.ts";

/** What stands in a request's fields. */
export interface Filling {
  /** Of the resources that the method's row says it names. */
  readonly ids: Ids;
  /** In each other field of text; by default something that the field could hold. */
  readonly text?: (field: DescField) => string;
}

interface Target {
  readonly path: string;
  readonly id: string;
}

/** What methods need beside what they name, where it cannot be told from the schema. */
const needed: Readonly<Record<string, { readonly [name: string]: JsonValue }>> = {
  CreateEnvironment: { spec: { content: { initializer: { specs: [{ contextUrl: { url: "https://github.com/o/r" } }] } } } },
  CreateSecret: { environmentVariable: true },
  CreateProject: { initializer: { specs: [{ contextUrl: { url: "https://github.com/o/r" } }] } },
  CreateServiceAccount: { validUntil: "2099-01-01T00:00:00Z" },
  CreateOrganization: { joinOrganization: true },
  CreateRunner: { kind: "RUNNER_KIND_REMOTE", provider: "RUNNER_PROVIDER_LINUX_HOST", runnerManagerId: "" },
  CreateService: { metadata: { reference: "api", name: "x" }, spec: { commands: { start: "x" } } },
  CreateTask: { metadata: { reference: "test", name: "x" }, spec: { command: "x" } },
  CreateMembership: { subject: { principal: "PRINCIPAL_USER" } },
};

/** A request in JSON, as good as its schema tells, which names the given resources. */
export function filledRequest(method: DescMethod, filling: Filling): { [name: string]: JsonValue } {
  const row = authorizationTable.get(`${method.parent.typeName}/${method.name}`);
  const targets = (row?.targets ?? []).flatMap(({ kind, path }): Target[] => {
    const id = kind === "byType" ? filling.ids.project : filling.ids[kind];
    return path === "endpoint" || id === undefined ? [] : [{ path, id }];
  });
  const given = needed[method.name];
  return { ...messageOf(method.input, targets, filling), ...merged(given, messageOf(method.input, targets, filling)) };
}

function merged(a: { readonly [name: string]: JsonValue } | undefined, b: { [name: string]: JsonValue }): { [name: string]: JsonValue } {
  const both: { [name: string]: JsonValue } = { ...a };
  for (const [name, value] of Object.entries(a ?? {})) {
    const other = b[name];
    if (isFields(value) && other !== undefined && isFields(other)) both[name] = { ...other, ...merged(value, other) };
  }
  return both;
}

function isFields(value: JsonValue): value is { [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messageOf(message: DescMessage, targets: readonly Target[], filling: Filling): { [name: string]: JsonValue } {
  const filled: { [name: string]: JsonValue } = {};
  const chosen = new Set<string>();
  const named = (field: DescField): Target[] =>
    targets.filter(({ path }) => path === field.localName || path.startsWith(`${field.localName}.`));
  const inOrder = message.fields.toSorted((a, b) => named(b).length - named(a).length);
  for (const field of inOrder) {
    const { oneof } = field;
    if (oneof !== undefined && chosen.has(oneof.name)) continue;
    const value = valueOf(field, named(field), filling);
    if (value === undefined) continue;
    if (oneof !== undefined) chosen.add(oneof.name);
    filled[field.jsonName] = value;
  }
  return filled;
}

function valueOf(field: DescField, named: readonly Target[], filling: Filling): JsonValue | undefined {
  const rest = named.map(({ path, id }) => ({ path: path.slice(field.localName.length + 1), id }));
  const [own] = rest.filter(({ path }) => path === "");
  switch (field.fieldKind) {
    case "scalar":
      return own?.id ?? (field.proto.proto3Optional ? undefined : scalarOf(field, filling));
    case "enum":
      return field.name === "resource_type" ? "RESOURCE_TYPE_PROJECT" : (field.enum.values.find(({ number }) => number > 0)?.name ?? 0);
    case "message":
      return rest.length === 0 ? undefined : messageOf(field.message, rest, filling);
    case "list":
      if (rest.length === 0) return undefined;
      if (field.listKind === "message") return [messageOf(field.message, rest, filling)];
      return own === undefined ? undefined : [own.id];
    case "map":
      return undefined;
  }
}

function scalarOf(field: DescField, { text }: Filling): JsonValue {
  if (field.scalar === ScalarType.BOOL) return false;
  if (field.scalar === ScalarType.BYTES) return "";
  if (field.scalar !== ScalarType.STRING) return 1;
  if (text !== undefined) return text(field);
  if (/(^|_)id$/.test(field.name)) return randomUUID();
  if (/email/.test(field.name)) return "x@elsewhere.test";
  if (/ur[il]|repository/.test(field.name)) return "https://elsewhere.test/x";
  if (/host|domain/.test(field.name)) return "elsewhere.test";
  return /token/.test(field.name) && field.parent.name.startsWith("Create") ? "" : "something";
}
