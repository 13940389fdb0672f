import { expect, test } from "vitest";
import { TerminalInput } from "./terminal-input.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A terminal far away: `answer` decides about each piece. */
function remote(answer: (sequence: bigint) => "taken" | "lost" | "refused") {
  const taken = new Map<bigint, string>();
  const input = new TerminalInput({
    send: async (sequence, data) => {
      const outcome = answer(sequence);
      if (outcome !== "refused") taken.set(sequence, new TextDecoder().decode(data));
      if (outcome !== "taken") throw new Error(outcome);
    },
    mayRetry: (error) => error instanceof Error && error.message === "lost",
    pause: async () => undefined,
  });
  return { input, text: () => [...taken.values()].join(""), pieces: () => taken.size };
}

test("keys go out in order, and those typed meanwhile together", async () => {
  const { input, text, pieces } = remote(() => "taken");
  for (const key of "hello world") input.push(bytes(key));
  await expect.poll(text).toBe("hello world");
  expect(pieces()).toBe(2);
});

test("a piece whose answer was lost is sent again under its number, so that it counts once", async () => {
  let failures = 3;
  const { input, text } = remote(() => (failures-- > 0 ? "lost" : "taken"));
  input.push(bytes("a"));
  input.push(bytes("b"));
  await expect.poll(text).toBe("ab");
});

test("a large paste goes in pieces", async () => {
  const { input, text, pieces } = remote(() => "taken");
  input.push(bytes("x".repeat(100_000)));
  await expect.poll(() => text().length).toBe(100_000);
  expect(pieces()).toBeGreaterThanOrEqual(4);
});

test("what cannot be sent any more is dropped", async () => {
  const { input, text } = remote((sequence) => (sequence === 1n ? "refused" : "taken"));
  input.push(bytes("a"));
  input.push(bytes("b"));
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect(text()).toBe("");
});
