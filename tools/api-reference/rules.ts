import { type DescField, getOption, hasOption } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { type FieldRules, field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** What a request is refused for if a field breaks it, in words. */
export function rulesOf(field: DescField): string[] {
  if (!hasOption(field, fieldRules)) return [];
  const rules = getOption(field, fieldRules);
  return [...(rules.required ? ["required"] : []), ...wordsOf(rules)];
}

function wordsOf({ type }: FieldRules): string[] {
  switch (type.case) {
    case "string": {
      const { wellKnown, pattern, in: values } = type.value;
      const kind = wellKnown.case !== undefined && wellKnown.value === true ? [words[wellKnown.case] ?? wellKnown.case] : [];
      const matches = pattern === "" ? [] : [`matches \`${pattern.replaceAll("|", "\\|")}\``];
      const oneOf = values.length === 0 ? [] : [`one of ${values.map((value) => `\`${value}\``).join(", ")}`];
      return [...kind, ...between(type.value.minLen, type.value.maxLen, "characters"), ...matches, ...oneOf];
    }
    case "bytes":
      return [...(type.value.len > 0n ? [`${type.value.len} bytes`] : []), ...between(type.value.minLen, type.value.maxLen, "bytes")];
    case "repeated": {
      const { minItems, maxItems, items } = type.value;
      return [...between(minItems, maxItems, "items"), ...(items === undefined ? [] : wordsOf(items).map((each) => `each: ${each}`))];
    }
    case "duration":
      return boundsOf(type.value, ({ seconds }: Duration) => `${seconds}s`);
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return boundsOf<number | bigint>(type.value, String);
    default:
      return [];
  }
}

const words: Readonly<Record<string, string>> = { uuid: "a UUID", uri: "a URI", email: "an address", hostname: "a host's name" };

function between(least: bigint, most: bigint, what: string): string[] {
  if (least > 0n && most > 0n) return [`${least} to ${most} ${what}`];
  if (least > 0n) return [`at least ${least} ${what}`];
  return most > 0n ? [`at most ${most} ${what}`] : [];
}

interface Bounds<T> {
  readonly greaterThan: { readonly case: "gt" | "gte" | undefined; readonly value?: T | undefined };
  readonly lessThan: { readonly case: "lt" | "lte" | undefined; readonly value?: T | undefined };
}

function boundsOf<T>({ greaterThan, lessThan }: Bounds<T>, print: (value: T) => string): string[] {
  const least = greaterThan.value === undefined ? [] : [`${greaterThan.case === "gt" ? ">" : "≥"} ${print(greaterThan.value)}`];
  const most = lessThan.value === undefined ? [] : [`${lessThan.case === "lt" ? "<" : "≤"} ${print(lessThan.value)}`];
  return [...least, ...most];
}
