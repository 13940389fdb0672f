import { expect, test } from "vitest";
import { Terminal, type TerminalEvent } from "./terminal.ts";

const size = { columns: 80, rows: 24 };
const signal = new AbortController().signal;
const kibibyte = 1024;

/** A terminal on a program that notes what it is told. */
function makeTerminal(stallLimitMs?: number) {
  const told: string[] = [];
  const request = { environmentId: "e", argv: [], workingDirectory: "", env: {}, size };
  const terminal = new Terminal({
    id: "t",
    request,
    name: "",
    now: () => Date.now(),
    ...(stallLimitMs === undefined ? {} : { stallLimitMs }),
  });
  terminal.run({
    write: async (data) => void told.push(Buffer.from(data).toString()),
    resize: async ({ columns, rows }) => void told.push(`${columns}x${rows}`),
    pause: () => void told.push("pause"),
    resume: () => void told.push("resume"),
    hangUp: () => void told.push("hang up"),
  });
  return { terminal, told };
}

type Attached = AsyncGenerator<TerminalEvent>;

/** Reads until so many bytes of output came. */
async function readBytes(events: Attached, bytes: number): Promise<{ text: string; firstOffset: number }> {
  let text = "";
  let firstOffset = -1;
  while (text.length < bytes) {
    const next = await events.next();
    if (next.done === true) break;
    if (next.value.kind !== "output") continue;
    if (firstOffset < 0) firstOffset = next.value.offset;
    text += Buffer.from(next.value.data).toString();
  }
  return { text, firstOffset };
}

function attach(terminal: Terminal, clientId: string, offset = 0, windowBytes = 0): Attached {
  return terminal.attach({ clientId, offset, windowBytes }, signal);
}

test("who attaches gets what was before and goes on without a gap; so does who comes back with an offset", async () => {
  const { terminal } = makeTerminal();
  terminal.receive(Buffer.from("before "));
  const first = attach(terminal, "a");
  expect((await readBytes(first, 7)).text).toBe("before ");
  terminal.receive(Buffer.from("after "));
  expect((await readBytes(first, 6)).text).toBe("after ");
  await first.return(undefined);
  terminal.receive(Buffer.from("meanwhile"));
  expect(await readBytes(attach(terminal, "a", 13), 9)).toEqual({ text: "meanwhile", firstOffset: 13 });
  expect((await readBytes(attach(terminal, "b"), 22)).text).toBe("before after meanwhile");
});

test("a client that attaches again ends its earlier stream", async () => {
  const { terminal } = makeTerminal();
  const first = attach(terminal, "a");
  await first.next();
  const waiting = first.next();
  const second = attach(terminal, "a");
  await second.next();
  expect((await waiting).done).toBe(true);
  expect(terminal.view().attachedClients).toBe(1);
});

test("without a reader a flood goes on and the oldest is dropped; who attaches then begins with a whole line", async () => {
  const { terminal, told } = makeTerminal();
  const line = `${"x".repeat(99)}\n`;
  for (let i = 0; i < 50; i++) terminal.receive(Buffer.from(line.repeat(1000)));
  expect(told).toEqual([]);
  const view = terminal.view();
  expect(view.endOffset).toBe(5_000_000);
  expect(view.endOffset - view.startOffset).toBeLessThanOrEqual(2 * kibibyte ** 2);
  const { text, firstOffset } = await readBytes(attach(terminal, "a"), 1000);
  expect(firstOffset % 100).toBe(0);
  expect(text.startsWith(line)).toBe(true);
});

test("the program is held up when the fastest reader is far behind, and goes on when it has caught up", async () => {
  const { terminal, told } = makeTerminal();
  const slow = attach(terminal, "slow", 0, 16 * kibibyte);
  const fast = attach(terminal, "fast");
  await slow.next();
  await fast.next();
  terminal.receive(Buffer.alloc(600 * kibibyte, "x"));
  expect(told).toEqual(["pause"]);
  await readBytes(fast, 600 * kibibyte);
  void fast.next();
  expect(told).toEqual(["pause", "resume"]);
});

test("no more than its window is sent to a client before it acknowledges", async () => {
  const { terminal } = makeTerminal();
  terminal.receive(Buffer.alloc(100 * kibibyte, "x"));
  const events = attach(terminal, "a", 0, 16 * kibibyte);
  expect((await readBytes(events, 16 * kibibyte)).text.length).toBe(16 * kibibyte);
  const next = events.next();
  expect(await Promise.race([next.then(() => "more"), new Promise((resolve) => setImmediate(() => resolve("waits")))])).toBe("waits");
  terminal.acknowledge("a", 10 * kibibyte);
  const { value } = await next;
  expect(value).toMatchObject({ kind: "output", offset: 16 * kibibyte });
});

test("a frozen reader does not hold the program up for ever, and is told by the offset what it lost", async () => {
  const { terminal, told } = makeTerminal(20);
  const events = attach(terminal, "a", 0, 16 * kibibyte);
  await readBytes(events, 0);
  await events.next();
  terminal.receive(Buffer.alloc(600 * kibibyte, "x"));
  await readBytes(events, 16 * kibibyte);
  await expect.poll(() => told).toEqual(["pause", "resume"]);
  terminal.receive(Buffer.alloc(3 * kibibyte ** 2, "y"));
  terminal.acknowledge("a", 16 * kibibyte);
  const { firstOffset } = await readBytes(events, 1);
  expect(firstOffset).toBe(terminal.view().startOffset);
});

test("the end comes after the last output, to who is there and to who comes later", async () => {
  const { terminal } = makeTerminal();
  const early = attach(terminal, "early");
  await early.next();
  terminal.receive(Buffer.from("last words"));
  terminal.exit(3);
  const kinds: string[] = [];
  for await (const event of early) kinds.push(event.kind === "view" ? `exit ${event.view.exitCode}` : Buffer.from(event.data).toString());
  expect(kinds).toEqual(["last words", "exit 3"]);
  const late: TerminalEvent[] = [];
  for await (const event of attach(terminal, "late")) late.push(event);
  expect(late.at(-1)).toMatchObject({ kind: "view", view: { exitCode: 3 } });
});

test("title, name and size are told as they change, and input and sizes reach the program", async () => {
  const { terminal, told } = makeTerminal();
  const events = attach(terminal, "a");
  await events.next();
  terminal.receive(Buffer.from("\u001b]0;vim\u0007"));
  expect((await events.next()).value).toMatchObject({ kind: "output" });
  expect((await events.next()).value).toMatchObject({ view: { title: "vim" } });
  await terminal.resize({ columns: 100, rows: 30 });
  await terminal.write("a", 2, Buffer.from("second"));
  await terminal.write("a", 1, Buffer.from("first"));
  expect(told).toEqual(["100x30", "first", "second"]);
  terminal.close();
  expect(told.at(-1)).toBe("hang up");
  let last = await events.next();
  while (last.done !== true) last = await events.next();
});
