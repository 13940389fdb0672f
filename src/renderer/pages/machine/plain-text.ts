// oxlint-disable no-control-regex -- control characters are what is looked for
/** A terminal's output without colours and cursor movements; of a line that was written over, the last state. */
export function plainText(output: string): string {
  return (
    output
      // CSI, OSC and two-letter sequences.
      .replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, "")
      .replaceAll("\r\n", "\n")
      .split("\n")
      .map((line) => line.replace(/\r+$/, "").split("\r").at(-1) ?? "")
      .join("\n")
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
  );
}
