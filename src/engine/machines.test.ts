import { expect, test } from "vitest";
import { uuidV7 } from "../lib/uuid.ts";
import { dedicatedMachineId } from "./machines.ts";

test("the id of an environment's machine is one a driver takes, and no other kind of machine's", () => {
  const id = dedicatedMachineId("01931F2A-5C77-7DD1-8A3B-0C5E9F7A1B2C");
  expect(id).toBe("env-0c5e9f7a1b2c");
  expect(id).toMatch(/^[a-z0-9-]{1,32}$/);
});

test("environments that were made in the same moment have machines of different ids", () => {
  const ids = Array.from({ length: 1000 }, () => dedicatedMachineId(uuidV7(1_700_000_000_000)));
  expect(new Set(ids).size).toBe(1000);
});
