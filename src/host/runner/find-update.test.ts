import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { findUpdate } from "./find-update.ts";

const { publicKey } = generateKeyPairSync("ed25519");
const chunkBytes = 16 * 1024;

test("a feed whose answer has no end is refused before it fills the memory", async () => {
  let sentBytes = 0;
  let isCancelled = false;
  const endless = (): Response =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sentBytes += chunkBytes;
          if (sentBytes > 1024 * 1024) controller.error(new Error("nobody stopped reading"));
          else controller.enqueue(new Uint8Array(chunkBytes));
        },
        cancel: () => void (isCancelled = true),
      }),
    );
  const options = {
    update: { channel: "stable", feed: "https://feed.test" },
    publicKey,
    versionsFolder: "/nowhere",
    fetch: async () => endless(),
  } as const;
  await expect(findUpdate(options, "1.0.0", AbortSignal.timeout(10_000))).rejects.toThrow("the feed's answer is too long");
  expect(isCancelled).toBe(true);
});
