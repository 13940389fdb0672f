import { expect, test } from "vitest";
import { divide } from "./disk-bill.ts";

const store = {
  LayersSize: 1000,
  Images: [
    { Id: "own", Size: 300, SharedSize: 100 },
    { Id: "common", Size: 400, SharedSize: 100 },
    { Id: "unused", Size: 150, SharedSize: 0 },
  ],
  Containers: [
    { Id: "c1", ImageID: "own", SizeRw: 7, Mounts: [{ Type: "volume", Name: "v1" }] },
    { Id: "c2", ImageID: "common", SizeRw: 8, Mounts: [{ Type: "volume", Name: "both" }] },
    { Id: "c3", ImageID: "common", SizeRw: 9, Mounts: [{ Type: "volume", Name: "both" }] },
  ],
  Volumes: [
    { Name: "v1", UsageData: { Size: 40 } },
    { Name: "both", UsageData: { Size: 50 } },
    { Name: "left", UsageData: { Size: 60 } },
  ],
  BuildCache: [
    { Size: 70, Shared: false },
    { Size: 80, Shared: true },
  ],
};

test("each image and volume is billed to who alone uses it, and nothing twice", () => {
  const bill = divide(store, [
    { environmentId: "a", containerIds: ["c1", "c2"], workingCopyBytes: 5 },
    { environmentId: "b", containerIds: ["c3"], workingCopyBytes: 6 },
  ]);
  expect(bill.environments).toEqual([
    { environmentId: "a", workingCopyBytes: 5n, containerBytes: 15n, imagesBytes: 200n, volumesBytes: 40n },
    { environmentId: "b", workingCopyBytes: 6n, containerBytes: 9n, imagesBytes: 0n, volumesBytes: 0n },
  ]);
  expect(bill.unusedImagesBytes).toBe(150n);
  expect(bill.sharedImagesBytes).toBe(650n);
  expect(bill.sharedImagesBytes + bill.unusedImagesBytes + 200n).toBe(1000n);
  expect(bill.otherVolumesBytes).toBe(110n);
  expect(bill.buildCacheBytes).toBe(70n);
});
