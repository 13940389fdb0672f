import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DiskBillSchema } from "../../../contract/gen/berth/v1/usage_pb.js";
import { billOf } from "./bill.ts";

const message = create(DiskBillSchema, {
  environments: [
    { environmentId: "a", workingCopyBytes: 1n, containerBytes: 2n, imagesBytes: 3n, volumesBytes: 4n },
    { environmentId: "b", workingCopyBytes: 100n },
  ],
  sharedImagesBytes: 20n,
  unusedImagesBytes: 30n,
  buildCacheBytes: 40n,
  otherVolumesBytes: 5n,
  totalBytes: 1000n,
  freeBytes: 700n,
});

test("the largest comes first, and nothing that is used stays untold", () => {
  const bill = billOf(message, (id) => `name of ${id}`);
  expect(bill.environments.map((e) => [e.name, e.totalBytes])).toEqual([
    ["name of b", 100],
    ["name of a", 10],
  ]);
  expect(bill).toMatchObject({ usedBytes: 300, systemBytes: 300 - 110 - 95 });
});

test("parts that were measured later than the whole make no negative sum", () => {
  expect(billOf({ ...message, freeBytes: 999n }, (id) => id)).toMatchObject({ usedBytes: 1, systemBytes: 0 });
});
