import { expect, test } from "vitest";
import { parseSocketTable, programName } from "./ports.ts";

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

test.each([
  ["Node, which calls itself MainThread", "MainThread", "node\0server.js\0", "/usr/local/bin/node", "node"],
  ["a script, which is not called as its interpreter", "flask", "/usr/bin/python3\0/usr/bin/flask\0run\0", "/usr/bin/python3.11", "flask"],
  ["a name longer than comm", "gunicorn-with-a", "/bin/sh\0/opt/gunicorn-with-a-long-name\0", "/bin/dash", "gunicorn-with-a"],
  ["a title of the program's own", "sshd-session", "sshd-session: dev [priv]\0", "/usr/lib/openssh/sshd-session", "sshd-session"],
  ["a program that was replaced", "renamed", "x\0", "/opt/app (deleted)", "app"],
  ["a process that has ended", "worker", "", "", "worker"],
])("the name of %s", (_what, comm, commandLine, program, name) => {
  expect(programName(comm, commandLine, program)).toBe(name);
});
