/**
 * What the app's Chromium is told at its start. After a key it holds back all but drawing until the next frame, so that
 * what a terminal answers meanwhile is seen a frame later: 16 ms in place of 31 at worst (docs/PERFORMANCE.md).
 */
export const chromiumSwitches: ReadonlyMap<string, string> = new Map([["disable-features", "DeferRendererTasksAfterInput"]]);
