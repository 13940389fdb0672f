import type { DescEnum, DescExtension, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label } from "@bufbuild/protobuf/wkt";

const indent = "  ";

/**
 * Prints a proto2 file descriptor as source without its options, so that buf can compile files that
 * import it. The npm package of protovalidate ships the descriptor of validate.proto, not its source.
 */
export function printDescriptor(file: DescFile): string {
  return [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((path) => `import "${path}";`),
    ...file.enums.flatMap((e) => printEnum(e, "")),
    ...file.messages.flatMap((m) => printMessage(m, "")),
    ...file.extensions.map(printExtension),
    "",
  ].join("\n");
}

function printEnum(desc: DescEnum, pad: string): string[] {
  return [`${pad}enum ${desc.name} {`, ...desc.values.map((v) => `${pad}${indent}${v.name} = ${v.number};`), `${pad}}`];
}

function printMessage(desc: DescMessage, pad: string): string[] {
  const plain = desc.fields.filter((f) => f.oneof === undefined).map((f) => `${pad}${indent}${label(f)}${printField(f)}`);
  const oneofs = desc.oneofs.flatMap((o) => [
    `${pad}${indent}oneof ${o.name} {`,
    ...o.fields.map((f) => `${pad}${indent}${indent}${printField(f)}`),
    `${pad}${indent}}`,
  ]);
  const ranges = desc.proto.extensionRange.map(
    (r) => `${pad}${indent}extensions ${r.start} to ${r.end > 536_870_911 ? "max" : r.end - 1};`,
  );
  const nested = [
    ...desc.nestedEnums.flatMap((e) => printEnum(e, pad + indent)),
    ...desc.nestedMessages.flatMap((m) => printMessage(m, pad + indent)),
  ];
  return [`${pad}message ${desc.name} {`, ...nested, ...plain, ...oneofs, ...ranges, `${pad}}`];
}

function label(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") return "";
  return field.proto.label === FieldDescriptorProto_Label.REPEATED ? "repeated " : "optional ";
}

function printExtension(desc: DescExtension): string {
  return `extend ${desc.extendee.typeName} { ${label(desc)}${printField(desc)} }`;
}

function printField(field: DescField | DescExtension): string {
  return `${typeName(field)} ${field.name} = ${field.number};`;
}

function typeName(field: DescField | DescExtension): string {
  if (field.message !== undefined && field.fieldKind !== "map") return `.${field.message.typeName}`;
  if (field.enum !== undefined) return `.${field.enum.typeName}`;
  if (field.scalar !== undefined) return ScalarType[field.scalar].toLowerCase();
  throw new Error(`cannot print ${field.name}`);
}
