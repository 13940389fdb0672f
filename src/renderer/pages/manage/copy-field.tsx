import { Copy } from "lucide-react";
import type { ReactNode } from "react";
import { useCopy, useStrings } from "../../app/context.ts";
import { IconButton } from "../../ui/button.tsx";

/** A value that is needed somewhere else: to be read, selected, or copied. */
export function CopyField({ label, value, hint }: { readonly label: string; readonly value: string; readonly hint?: ReactNode }) {
  const { manage } = useStrings();
  const copy = useCopy();
  return (
    <div className="flex flex-col gap-1">
      <span className="font-medium">{label}</span>
      <div className="flex items-start gap-1">
        <code className="min-w-0 flex-1 rounded-md border bg-sunken px-2 py-1 font-mono text-sm break-all whitespace-pre-wrap select-all">
          {value}
        </code>
        <IconButton icon={Copy} label={manage.copy(label)} onClick={() => copy(value)} />
      </div>
      {hint === undefined ? null : <p className="text-sm text-muted">{hint}</p>}
    </div>
  );
}
