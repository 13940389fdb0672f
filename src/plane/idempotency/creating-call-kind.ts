import { CreatingCallRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { defineKind } from "../store/kind.ts";

/** Calls that made something and had a key by which they can be repeated. */
export const creatingCallKind = defineKind({
  name: "creating-call",
  schema: CreatingCallRecordSchema,
  columns: ({ expiresAtMs }) => ({ expiresAtMs: Number(expiresAtMs) }),
});
