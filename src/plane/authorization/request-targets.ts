import type { DescMethod, Message } from "@bufbuild/protobuf";
import { isReflectMessage, reflect, type ReflectList, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { ResourceKind, Row, TargetField } from "./row.ts";

/** A resource that a request names by its id. */
export interface NamedTarget {
  readonly kind: ResourceKind;
  /** Undefined when the request names none where it must. */
  readonly id: string | undefined;
  readonly field: TargetField;
}

/** Which kind of resource the API means by a type; the others cannot be shared. */
const kindsByType: ReadonlyMap<ResourceType, ResourceKind> = new Map([
  [ResourceType.ENVIRONMENT, "environment"],
  [ResourceType.RUNNER, "runner"],
  [ResourceType.PROJECT, "project"],
  [ResourceType.ORGANIZATION, "organization"],
  [ResourceType.GROUP, "group"],
  [ResourceType.SERVICE_ACCOUNT, "serviceAccount"],
  [ResourceType.WARM_POOL, "warmPool"],
]);

/**
 * What a request names, as the method's row says where to look.
 * @param endpointId The environment whose own address was called, for methods that are served there.
 */
export function requestTargets(row: Row, method: DescMethod, message: Message, endpointId?: string): NamedTarget[] {
  const request = reflect(method.input, message, false);
  return row.targets.flatMap((field): NamedTarget[] => {
    const kind = field.kind === "byType" ? kindByType(message) : field.kind;
    const ids = field.path === "endpoint" ? [endpointId ?? ""] : idsAt(request, field.path.split("."));
    const named = ids.filter((id) => id !== "");
    if (kind === undefined || named.length === 0)
      return field.optional === true ? [] : [{ kind: kind ?? "organization", id: undefined, field }];
    return named.map((id) => ({ kind, id, field }));
  });
}

function kindByType(message: Message): ResourceKind | undefined {
  const type = "resourceType" in message ? message.resourceType : undefined;
  return typeof type === "number" ? kindsByType.get(type) : undefined;
}

/** The strings at a path of fields, through lists and oneofs. */
function idsAt(message: ReflectMessage, path: readonly string[]): string[] {
  const [name, ...rest] = path;
  const field = message.fields.find(({ localName }) => localName === name);
  if (field === undefined || !message.isSet(field)) return [];
  if (field.fieldKind === "list") return idsInList(message.get(field), rest);
  if (field.fieldKind === "message") return idsAt(message.get(field), rest);
  const value: unknown = field.fieldKind === "scalar" ? message.get(field) : undefined;
  return typeof value === "string" ? [value] : [];
}

function idsInList(list: ReflectList, rest: readonly string[]): string[] {
  return [...list].flatMap((item) => {
    if (typeof item === "string") return [item];
    return isReflectMessage(item) ? idsAt(item, rest) : [];
  });
}
