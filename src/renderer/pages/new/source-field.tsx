import { FolderOpen } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/input.tsx";
import type { Source } from "./source.ts";

/** Where a repository's address or a folder is given: typed, pasted, picked or dropped. */
export function SourceField({
  text,
  source,
  onChange,
}: {
  readonly text: string;
  readonly source: Source;
  readonly onChange: (text: string) => void;
}) {
  const { newEnvironment: words } = useStrings();
  const [left, setLeft] = useState(false);
  const desktop = window.berthDesktop;
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
  }, []);
  const drop = useDrop(onChange);
  // Who is still typing is not told that it is wrong.
  const error =
    source.kind !== "invalid" || !left
      ? undefined
      : source.reason === "folder"
        ? words.folderInvalid
        : source.detail === ""
          ? words.notUnderstood
          : source.detail;
  return (
    <div {...drop.handlers} className={drop.over ? "rounded-md outline-2 outline-offset-4 outline-accent outline-dashed" : undefined}>
      <Field label={words.source} hint={drop.over ? words.dropHere : words.hint} error={error}>
        {(field) => (
          <div className="flex gap-2">
            <Input
              {...field}
              ref={input}
              value={text}
              placeholder={words.placeholder}
              onChange={(event) => {
                onChange(event.target.value);
                setLeft(false);
              }}
              onBlur={() => setLeft(true)}
              className="h-9"
            />
            {desktop === undefined ? null : (
              <Button
                icon={FolderOpen}
                className="h-9"
                onClick={() => void desktop.pickFolder().then((folder) => folder !== undefined && onChange(folder))}
              >
                {words.pickFolder}
              </Button>
            )}
          </div>
        )}
      </Field>
    </div>
  );
}

/** A dropped link in a browser, a dropped folder too in the app, which alone knows its path. */
function useDrop(onDrop: (text: string) => void) {
  const [over, setOver] = useState(false);
  const handlers = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer.files[0];
      const desktop = window.berthDesktop;
      if (file !== undefined && desktop !== undefined) void desktop.pathOfFile(file).then((path) => path !== "" && onDrop(path));
      const text = event.dataTransfer.getData("text/uri-list") || event.dataTransfer.getData("text/plain");
      if (text !== "") onDrop(text.split("\n")[0] ?? "");
    },
  };
  return { over, handlers };
}
