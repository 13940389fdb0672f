import { Copy } from "lucide-react";
import { useCopy, useStrings } from "../app/context.ts";
import { IconButton } from "./button.tsx";
import { isCommand } from "./is-command.ts";

/** What can be done about something that is wrong: a command to copy, or a sentence. */
export function Fix({ text }: { readonly text: string }) {
  const { shell } = useStrings();
  const copy = useCopy();
  if (text === "") return null;
  return (
    <p className="flex flex-wrap items-center gap-x-2">
      <span className="text-muted">{shell.whatToTry}:</span>
      {isCommand(text) ? (
        <span className="flex min-w-0 items-center gap-1">
          <code className="rounded-sm border bg-bg px-1.5 py-0.5 font-mono text-sm break-all select-text">{text}</code>
          <IconButton icon={Copy} label={shell.copyCommand} onClick={() => copy(text)} />
        </span>
      ) : (
        <span className="select-text">{text}</span>
      )}
    </p>
  );
}
