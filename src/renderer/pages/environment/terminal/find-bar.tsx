import { ChevronDown, ChevronUp, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useStrings } from "../../../app/context.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Input } from "../../../ui/input.tsx";

/** Looks for a text in what a terminal has printed. */
export function FindBar({
  found,
  onFind,
  onClose,
}: {
  readonly found: { readonly index: number; readonly count: number };
  readonly onFind: (text: string, direction: "next" | "previous", incremental: boolean) => void;
  readonly onClose: () => void;
}) {
  const { environment, shell } = useStrings();
  const words = environment.terminal;
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
  }, []);
  return (
    <div className="flex h-9 shrink-0 items-center gap-1 border-b bg-sunken px-3">
      <Input
        ref={input}
        className="max-w-72"
        aria-label={words.find}
        placeholder={words.find}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onFind(event.target.value, "next", true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") onClose();
          if (event.key === "Enter") onFind(text, event.shiftKey ? "previous" : "next", false);
        }}
      />
      <span role="status" className="px-1 text-muted tabular-nums">
        {text === "" ? "" : found.count === 0 ? words.notFound : words.foundAt(found.index + 1, found.count)}
      </span>
      <IconButton icon={ChevronUp} label={words.findPrevious} onClick={() => onFind(text, "previous", false)} />
      <IconButton icon={ChevronDown} label={words.findNext} onClick={() => onFind(text, "next", false)} />
      <IconButton icon={X} label={shell.close} onClick={onClose} />
    </div>
  );
}
