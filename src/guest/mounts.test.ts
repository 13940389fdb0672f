import { expect, test } from "vitest";
import { isMountedReadOnly } from "./mounts.ts";

test("a mount that became read-only is seen, and only the one that counts", () => {
  const mounts = "/dev/vdb /data ext4 rw,noatime 0 0\n/dev/vda / erofs ro 0 0\n/dev/vdb /data/x ext4 ro 0 0\n";
  expect(isMountedReadOnly(mounts, "/data")).toBe(false);
  expect(isMountedReadOnly(`${mounts}/dev/vdb /data ext4 ro,noatime 0 0\n`, "/data")).toBe(true);
  expect(isMountedReadOnly(mounts, "/nowhere")).toBe(false);
});
