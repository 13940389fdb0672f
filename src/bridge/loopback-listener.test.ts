import { createServer } from "node:net";
import { expect, test } from "vitest";
import { listenOnLoopback } from "./loopback-listener.ts";

const never = new AbortController().signal;

test("the door closes after a while, and when it was tried too often", async () => {
  const short = await listenOnLoopback("state", never, 50);
  await expect(short.callback).rejects.toMatchObject({ code: "sign-in-expired" });
  await expect(fetch(short.redirectUri)).rejects.toThrow("fetch failed");

  const tried = await listenOnLoopback("state", never);
  for (let number = 0; number < 50; number++) expect((await fetch(`${tried.redirectUri}?state=${number}`)).status).toBe(404);
  await expect(tried.callback).rejects.toMatchObject({ code: "sign-in-refused" });
  await expect(fetch(tried.redirectUri)).rejects.toThrow("fetch failed");
});

test("it is open on 127.0.0.1 only, at another port each time", async () => {
  const first = await listenOnLoopback("state", never);
  const second = await listenOnLoopback("state", never);
  expect(first.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  expect(second.redirectUri).not.toBe(first.redirectUri);
  // Were it open on all addresses, this one would be taken.
  const other = createServer();
  const listening = Promise.withResolvers<void>();
  other.once("error", listening.reject);
  other.listen(Number(new URL(first.redirectUri).port), "127.0.0.2", listening.resolve);
  await listening.promise;
  other.close();
  first.close();
  second.close();
  await expect(first.callback).rejects.toMatchObject({ code: "canceled" });
});

test("a second of the same answer finds nobody", async () => {
  const listener = await listenOnLoopback("right", never);
  const answered = fetch(`${listener.redirectUri}?state=right&code=c`);
  const { url, answer } = await listener.callback;
  await expect(fetch(url)).rejects.toThrow("fetch failed");
  answer({ title: "Done", text: "Close it." });
  expect(await (await answered).text()).toContain("Done");
});
