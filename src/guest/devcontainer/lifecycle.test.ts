import { expect, test } from "vitest";
import { parseUserEnv, startCommandsSchema } from "./lifecycle.ts";

const mark = "berth-user-environment";

test("the environment of a user's shell is what stands between the marks, whatever the shell says beside it", () => {
  const said = `welcome\nA=not this\n${mark}PATH=/usr/bin:/bin\0LINES=one\ntwo\0EQUALS=a=b\0=odd\0nothing\0${mark}bye`;
  expect(parseUserEnv(said)).toEqual({ PATH: "/usr/bin:/bin", LINES: "one\ntwo", EQUALS: "a=b" });
  expect(parseUserEnv("a shell that said nothing")).toEqual({});
});

test("start commands are strings, arguments, or several by name", () => {
  const commands = {
    postStartCommands: ["./run", ["a", "b"], { server: "x", client: ["y"] }],
    postAttachCommands: [],
    userEnvProbe: "none",
  };
  expect(startCommandsSchema.parse(commands)).toEqual(commands);
  expect(startCommandsSchema.safeParse({ ...commands, postStartCommands: [{ nested: {} }] }).success).toBe(false);
  expect(startCommandsSchema.safeParse({ ...commands, userEnvProbe: "other" }).success).toBe(false);
});
