import { type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { authorizationTable } from "../authorization/table.ts";

const tokenField = /(?:^|_)token$/;

/** Whether a method makes something, so that a repeated call of it would make a second one. */
export function isCreating(method: DescMethod): boolean {
  const row = authorizationTable.get(`${method.parent.typeName}/${method.name}`);
  return method.methodKind === "unary" && method.name.startsWith("Create") && row?.effect === "write";
}

/** Whether the answer of a method has a credential in it, which is told once and never kept. */
export function givesCredential({ output }: DescMethod): boolean {
  return output.fields.some((field) => field.fieldKind === "scalar" && field.scalar === ScalarType.STRING && tokenField.test(field.name));
}
