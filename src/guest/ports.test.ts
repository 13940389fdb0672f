import { expect, test } from "vitest";
import { parseSocketTable } from "./ports.ts";

test("finds listening sockets of both families and leaves connections out", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1",
    "   1: 0100007F:0BB9 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1",
    "   2: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4244 1",
  ].join("\n");
  expect(parseSocketTable(table)).toEqual([
    { port: 3000, address: "127.0.0.1", inode: "4242" },
    { port: 8080, address: "::", inode: "4244" },
  ]);
});
