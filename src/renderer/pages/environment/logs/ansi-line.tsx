import { memo } from "react";
import { cx } from "../../../ui/cx.ts";
import { spansOf } from "./ansi.ts";

/** The sixteen colours as this window's tokens have them. */
const colors = ["text-muted", "text-danger", "text-ok", "text-warn", "text-accent", "text-accent", "text-accent", "text-fg"];

/** A line of a log in its colours, with what is looked for marked. */
export const AnsiLine = memo(function AnsiLine({ line, marked }: { readonly line: string; readonly marked: string }) {
  return spansOf(line).map((span, index) => (
    <span
      key={index}
      className={cx(typeof span.color === "number" ? colors[span.color % colors.length] : undefined, span.bold && "font-semibold")}
      style={typeof span.color === "string" ? { color: span.color } : undefined}
    >
      {marked === "" ? span.text : <Marked text={span.text} marked={marked} />}
    </span>
  ));
});

function Marked({ text, marked }: { readonly text: string; readonly marked: string }) {
  const at = text.toLowerCase().indexOf(marked.toLowerCase());
  if (at < 0) return text;
  const end = at + marked.length;
  return (
    <>
      {text.slice(0, at)}
      <mark className="rounded-sm bg-warn-soft text-fg">{text.slice(at, end)}</mark>
      <Marked text={text.slice(end)} marked={marked} />
    </>
  );
}
