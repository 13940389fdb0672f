import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { InsertOptions } from "../store/store.ts";

/** Of records that belong to the installation and to no organization of it. */
export const beyondOrganizations: InsertOptions = { organizationId: "" };

/** A time that every record of its kind has. */
export function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}
