import { expect, test } from "vitest";
import { protoComments } from "./proto-comments.ts";

test("finds what is said of each thing, wherever it stands", () => {
  const source = `syntax = "proto3";
package a.v1;
// Of the service,
// on two lines.
service S {
  // Of a method.
  rpc M(.a.v1.R) returns (.a.v1.R) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Silent(.a.v1.R) returns (.a.v1.R);
}
enum E {
  // Of a value.
  E_ONE = 1;
}
message R {
  // Of a field.
  repeated string ids = 1 [(buf.validate.field) = { repeated: { max_items: 2 } }];
  oneof x {
    // Of a part of a oneof.
    .a.v1.R.Inner inner = 2;
  }
  map<string, string> tags = 3;
  // Of what is inside.
  message Inner {
  }
}
`;
  expect(Object.fromEntries(protoComments(source))).toEqual({
    "a.v1.S": "Of the service, on two lines.",
    "a.v1.S.M": "Of a method.",
    "a.v1.E.E_ONE": "Of a value.",
    "a.v1.R.ids": "Of a field.",
    "a.v1.R.inner": "Of a part of a oneof.",
    "a.v1.R.Inner": "Of what is inside.",
  });
});
