export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const minWindow = { width: 900, height: 600 } as const;
const usualWindow = { width: 1280, height: 820 } as const;
/** So much of the window's upper edge must be on a display that a mouse can take hold of it. */
const minGrip = { width: 120, height: 32 } as const;

/** Where the window opens: where it was, as far as a display that is still there has room for it. */
export function placeWindow(saved: Bounds | undefined, workAreas: readonly [Bounds, ...Bounds[]]): Bounds {
  const display = saved === undefined ? undefined : workAreas.find((area) => hasGrip(saved, area));
  if (saved === undefined || display === undefined) return centered(saved ?? usualWindow, workAreas[0]);
  const width = fit(saved.width, minWindow.width, display.width);
  const height = fit(saved.height, minWindow.height, display.height);
  // A window wider than the display it came from is moved back; one that overhangs a little stays as the person left it.
  return { x: width < saved.width ? display.x : saved.x, y: Math.max(saved.y, display.y), width, height };
}

function hasGrip(window: Bounds, area: Bounds): boolean {
  const across = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
  const down = Math.min(window.y + minGrip.height, area.y + area.height) - Math.max(window.y, area.y);
  return across >= minGrip.width && down >= minGrip.height / 2;
}

function centered(size: { readonly width: number; readonly height: number }, area: Bounds): Bounds {
  const width = fit(size.width, minWindow.width, area.width);
  const height = fit(size.height, minWindow.height, area.height);
  return { x: area.x + Math.round((area.width - width) / 2), y: area.y + Math.round((area.height - height) / 2), width, height };
}

function fit(wanted: number, min: number, max: number): number {
  return Math.min(Math.max(Math.round(wanted), min), max);
}
