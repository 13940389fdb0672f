/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  /** Of the sixteen colours, 0 to 15, or a CSS colour. */
  readonly color: number | string | undefined;
  readonly bold: boolean;
}

type Style = Pick<Span, "color" | "bold">;
const plain: Style = { color: undefined, bold: false };
// oxlint-disable-next-line no-control-regex -- what terminals are told is made of control characters
const sequence = /\u001b\[([0-9;:]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b./g;
const cubeLevels = [0, 95, 135, 175, 215, 255];

/** A line of a program's output as it would stand on a terminal: colours kept, everything else that moves taken out. */
export function spansOf(line: string): Span[] {
  // A line that was written over and over, as progress bars are, shows what it became last.
  const shown = line.replace(/\r+$/, "");
  const last = shown.slice(shown.lastIndexOf("\r") + 1);
  const spans: Span[] = [];
  let style = plain;
  let at = 0;
  const push = (text: string): void => {
    if (text !== "") spans.push({ text, ...style });
  };
  for (const match of last.matchAll(sequence)) {
    push(last.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = styleAfter(style, match[1] ?? "");
  }
  push(last.slice(at));
  return spans;
}

/** A line without its styles, to be searched. */
export function textOf(line: string): string {
  return spansOf(line)
    .map((span) => span.text)
    .join("");
}

function styleAfter(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = plain;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 22) next = { ...next, bold: false };
    else if (code === 39) next = { ...next, color: undefined };
    else if (code >= 30 && code <= 37) next = { ...next, color: code - 30 };
    else if (code >= 90 && code <= 97) next = { ...next, color: code - 82 };
    else if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes.slice(i + 1));
      if (code === 38) next = { ...next, color };
      i += used;
    }
  }
  return next;
}

/** The colour after 38 or 48, and how many numbers it took. */
function extendedColor(codes: readonly number[]): [Span["color"], number] {
  if (codes[0] === 5) return [paletteColor(codes[1] ?? 0), 2];
  if (codes[0] === 2) return [`rgb(${codes[1] ?? 0} ${codes[2] ?? 0} ${codes[3] ?? 0})`, 4];
  return [undefined, 0];
}

function paletteColor(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) {
    const level = 8 + (index - 232) * 10;
    return `rgb(${level} ${level} ${level})`;
  }
  const cube = index - 16;
  const level = (n: number): number => cubeLevels[n % 6] ?? 0;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6))} ${level(cube)})`;
}
