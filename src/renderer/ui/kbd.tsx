import { shownKeys } from "../commands/shortcut.ts";
import { useApp } from "../app/context.ts";

/** A shortcut as the keys of this keyboard. */
export function Kbd({ shortcut }: { readonly shortcut: string }) {
  const { isMac } = useApp();
  return (
    <span className="inline-flex gap-0.5">
      {shownKeys(shortcut, isMac).map((keys) => (
        <kbd
          key={keys}
          className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-sm border bg-sunken px-1 font-sans text-xs text-muted"
        >
          {keys}
        </kbd>
      ))}
    </span>
  );
}
