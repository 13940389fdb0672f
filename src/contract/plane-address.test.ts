import { expect, test } from "vitest";
import { isSafePlaneAddress } from "./plane-address.ts";

test.each([
  ["https://berth.example.org/api", true],
  ["http://127.0.0.1:8080", true],
  ["http://[::1]:8080", true],
  ["http://localhost/api", true],
  ["http://berth.example.org/api", false],
  ["http://localhost.example.org", false],
  ["http://127.0.0.1@example.org", false],
  ["https://somebody:secret@berth.example.org", false],
  ["ftp://127.0.0.1", false],
])("a credential goes to %s: %s", (text, isSafe) => expect(isSafePlaneAddress(new URL(text))).toBe(isSafe));
