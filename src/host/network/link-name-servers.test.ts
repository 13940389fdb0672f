import { expect, test } from "vitest";
import { LinkNameServers } from "./link-name-servers.ts";

test("the machine is told of another name server than its link's own, and of none once it is that again", async () => {
  let servers = ["192.0.2.1", "192.0.2.2"];
  const link = new LinkNameServers(async () => servers);
  await link.noteStart({ isRunning: false });
  expect(link.toTell(servers)).toEqual([]);
  expect(link.toTell(["198.51.100.1"])).toEqual(["198.51.100.1"]);
  expect(link.toTell(servers)).toEqual([]);
  servers = ["198.51.100.1"];
  await link.noteStart({ isRunning: true });
  expect(link.toTell(servers)).toEqual(servers);
  await link.noteStart({ isRunning: false });
  expect(link.toTell(servers)).toEqual([]);
});
