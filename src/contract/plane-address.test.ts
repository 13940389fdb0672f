import { expect, test } from "vitest";
import { parsePlaneAddress } from "./plane-address.ts";

test.each([
  ["plane.example", "https://plane.example/"],
  ["https://plane.example/berth/api/", "https://plane.example/berth/api"],
  ["https://plane.example:8443?x#y", "https://plane.example:8443/"],
  ["https://plane.example//elsewhere.example/x", "https://plane.example//elsewhere.example/x"],
  ["http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"],
  ["http://[::1]:8080", "http://[::1]:8080/"],
])("%s is the plane at %s", (text, href) => expect(parsePlaneAddress(text).href).toBe(href));

test.each(["http://plane.example", "http://10.0.0.1", "ftp://plane.example", "https://ada:secret@plane.example", "", "https://"])(
  "'%s' is refused",
  (text) => expect(() => parsePlaneAddress(text)).toThrow("argument-invalid"),
);
