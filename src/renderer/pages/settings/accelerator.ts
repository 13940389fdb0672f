/** What a key press is called by Electron; nothing while only modifiers are held, or for a key it cannot take. */
export function acceleratorOf(
  press: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">,
  isMac: boolean,
): string | undefined {
  const key = keyName(press.code);
  if (key === undefined) return undefined;
  const modifiers = [
    press.ctrlKey ? (isMac ? "Control" : "Ctrl") : "",
    press.metaKey ? (isMac ? "Command" : "Super") : "",
    press.altKey ? "Alt" : "",
    press.shiftKey ? "Shift" : "",
  ].filter((name) => name !== "");
  // A key alone, or with Shift, would be taken from every other program.
  const strong = modifiers.some((name) => name !== "Shift");
  return strong ? [...modifiers, key].join("+") : undefined;
}

/** By the key's place: with Alt held, what it types is often another letter. */
function keyName(code: string): string | undefined {
  const plain = /^(?:Key([A-Z])|Digit(\d)|(F(?:[1-9]|1\d|2[0-4])))$/.exec(code);
  if (plain !== null) return plain[1] ?? plain[2] ?? plain[3];
  const named: Readonly<Record<string, string>> = {
    Space: "Space",
    Tab: "Tab",
    ArrowUp: "Up",
    ArrowDown: "Down",
    ArrowLeft: "Left",
    ArrowRight: "Right",
    Home: "Home",
    End: "End",
    PageUp: "PageUp",
    PageDown: "PageDown",
  };
  return Object.hasOwn(named, code) ? named[code] : undefined;
}
