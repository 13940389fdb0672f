import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Progress } from "./progress.ts";

const columns = 40;
const escape = "\u001B";

beforeEach(() => void vi.useFakeTimers({ now: 0, toFake: ["setInterval", "clearInterval", "performance", "Date"] }));
afterEach(() => void vi.useRealTimers());

function progressOn({ isTTY, env = {} }: { readonly isTTY: boolean; readonly env?: NodeJS.ProcessEnv }) {
  let written = "";
  const progress = new Progress({ stream: { write: (text) => (written += text), isTTY, columns }, env, now: () => performance.now() });
  return { progress, written: () => written, screen: () => screenAfter(written) };
}

/** What a terminal shows after text with the few control sequences in use. */
function screenAfter(text: string): string[] {
  let lines: string[] = [];
  // Control sequences are told from text by what ends them.
  for (const part of text.replaceAll(escape, `\0${escape}`).split(/\0|(?<=\[\d*[AJm])/)) {
    const up = part.startsWith(escape) ? /(\d+)A$/.exec(part) : null;
    // The cursor goes up from the line it is on, and what is below is erased.
    if (up !== null) lines = [...lines.slice(0, lines.length - 1 - Number(up[1])), ""];
    else if (!part.startsWith(escape)) {
      const [first = "", ...more] = part.replace(/\r/g, "").split("\n");
      const last = lines.pop() ?? "";
      lines.push(last + first, ...more);
    }
  }
  return lines.filter((line) => line !== "");
}

test("in a pipe, a step is one line when it ends", () => {
  const { progress, written } = progressOn({ isTTY: false });
  progress.begin("a", "Cloning the repository");
  vi.advanceTimersByTime(3200);
  progress.end("a", "done");
  progress.begin("b", "Building the image");
  progress.end("b", "failed", 61_000);
  progress.close();
  expect(written()).toBe("✓ Cloning the repository 3.2 s\n✗ Building the image 1 min 01 s\n");
});

test("in a pipe, a long step is named once before it ends", () => {
  const { progress, written } = progressOn({ isTTY: false });
  progress.begin("a", "Building the image");
  vi.advanceTimersByTime(60_000);
  progress.close("done");
  expect(written()).toBe("… Building the image\n✓ Building the image 1 min 00 s\n");
});

test("on a terminal, each running step has a line with a clock", () => {
  const { progress, screen } = progressOn({ isTTY: true });
  progress.begin("a", "Starting the machine", 5000);
  progress.begin("b", "Copying the folder");
  vi.advanceTimersByTime(7000);
  expect(screen()).toEqual(["… Starting the machine 12 s", "… Copying the folder 7 s"]);
  progress.end("a", "done");
  expect(screen()).toEqual(["✓ Starting the machine 12 s", "… Copying the folder 7 s"]);
  progress.note("Warning: something");
  expect(screen()).toEqual(["✓ Starting the machine 12 s", "Warning: something", "… Copying the folder 7 s"]);
  progress.close();
  expect(screen()).toEqual(["✓ Starting the machine 12 s", "Warning: something"]);
});

test("a live line is cut to the terminal's width", () => {
  const { progress, screen } = progressOn({ isTTY: true });
  progress.begin("a", "A name that is much longer than the terminal is wide");
  expect(screen()[0]?.length).toBeLessThan(columns);
  expect(screen()[0]).toMatch(/… 0 s$/);
});

test.each([
  [{ NO_COLOR: "1" }, "✓ a 0.0 s"],
  [{}, "\u001B[32m✓\u001B[0m a 0.0 s"],
])("colour follows NO_COLOR: %j", (env, line) => {
  const { progress, written } = progressOn({ isTTY: true, env });
  progress.tell("a", "done", 0);
  expect(written()).toContain(line);
});

test("a dumb terminal gets plain lines", () => {
  const { progress, written } = progressOn({ isTTY: true, env: { TERM: "dumb" } });
  progress.begin("a", "a");
  progress.end("a", "done");
  expect(written()).toBe("✓ a 0.0 s\n");
});
