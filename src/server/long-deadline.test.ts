import { expect, test } from "vitest";
import { dropLongDeadline } from "./long-deadline.ts";

test.each([
  ["connect-timeout-ms", "2147483647", true],
  ["connect-timeout-ms", "2147483648", false],
  ["connect-timeout-ms", "9999999999", false],
  ["connect-timeout-ms", "soon", true],
  ["connect-timeout-ms", "1e10", true],
  ["grpc-timeout", "596H", true],
  ["grpc-timeout", "597H", false],
  ["grpc-timeout", "99999999S", false],
  ["grpc-timeout", "99999999m", true],
  ["grpc-timeout", "99999999n", true],
  ["grpc-timeout", "soon", true],
])("a deadline of %s: %s is kept: %s", (name, value, isKept) => {
  const headers = { [name]: value, host: "x" };
  dropLongDeadline({ headers });
  expect(headers).toEqual(isKept ? { [name]: value, host: "x" } : { host: "x" });
});
