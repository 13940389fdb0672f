import { expect, test } from "vitest";
import { placeWindow } from "./window-bounds.ts";

const laptop = { x: 0, y: 25, width: 1440, height: 875 };
const desk = { x: 1440, y: 0, width: 2560, height: 1440 };

test("a window opens where it was", () => {
  const bounds = { x: 1600, y: 100, width: 1500, height: 1000 };
  expect(placeWindow(bounds, [laptop, desk])).toEqual(bounds);
});

test("a window whose display is gone opens in the middle of the first one, no bigger than it", () => {
  expect(placeWindow({ x: 1600, y: 100, width: 2000, height: 1000 }, [laptop])).toEqual({ x: 0, y: 25, width: 1440, height: 875 });
});

test("a first window stands in the middle", () => {
  expect(placeWindow(undefined, [laptop])).toEqual({ x: 80, y: 53, width: 1280, height: 820 });
});

test("a window whose upper edge nobody can reach comes back", () => {
  expect(placeWindow({ x: 100, y: -500, width: 1000, height: 700 }, [laptop]).y).toBeGreaterThanOrEqual(laptop.y);
  expect(placeWindow({ x: -950, y: 100, width: 1000, height: 700 }, [laptop]).x).toBe(220);
});

test("a window is never smaller than its content", () => {
  expect(placeWindow({ x: 10, y: 30, width: 10, height: 10 }, [laptop])).toMatchObject({ width: 900, height: 600 });
});
