import { expect, test } from "vitest";
import { callerRate, RateLimiter, rateLimits, strangerRate } from "./rate-limit.ts";

test("as much as the burst at once, then as much as time brings", () => {
  let nowMs = 0;
  const limiter = new RateLimiter({ perSecond: 2, burst: 3 }, () => nowMs);
  const taken = (): number => Array.from({ length: 10 }, () => limiter.take("a")).filter(Boolean).length;
  expect(taken()).toBe(3);
  expect(limiter.take("b")).toBe(true);
  nowMs = 400;
  expect(taken()).toBe(0);
  nowMs = 1000;
  expect(taken()).toBe(2);
  nowMs = 1_000_000;
  expect(taken()).toBe(3);
  // A clock that is set back gives nothing, and takes nothing away for good.
  nowMs = 0;
  expect(taken()).toBe(0);
  nowMs = 500;
  expect(taken()).toBe(1);
});

test("more names than it remembers cost no more memory, and the newest keep their count", () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, () => 0);
  for (let n = 0; n < 50_000; n++) limiter.take(`name ${n}`);
  expect(limiter.take("name 49999")).toBe(false);
  expect(limiter.take("name 0")).toBe(true);
});

test("strangers are counted by address, callers by who they are", () => {
  const admit = rateLimits(() => 0);
  const ask = (times: number, ...who: Parameters<typeof admit>): void => {
    for (let n = 0; n < times; n++) admit(...who);
  };
  ask(strangerRate.burst, undefined, "192.0.2.1");
  expect(() => admit(undefined, "192.0.2.1")).toThrow(/rate-limited/);
  ask(strangerRate.burst, undefined, "192.0.2.2");
  // Whoever has IPv6 has more addresses than could be counted.
  for (let n = 0; n < strangerRate.burst; n++) admit(undefined, `2001:db8:0:1::${n.toString(16)}`);
  expect(() => admit(undefined, "2001:db8:0:1:ffff::")).toThrow(/rate-limited/);
  admit(undefined, "2001:db8:0:2::1");
  const caller = { principal: 2, id: "u", organizationId: "o", accountId: "a", isAdministrator: false, isReadOnly: false };
  ask(callerRate.burst, caller, "192.0.2.1");
  expect(() => admit(caller, "192.0.2.3")).toThrow(/rate-limited/);
});
