import { X } from "lucide-react";
import { useStrings } from "../../app/context.ts";

/** Something that is looked for, to be taken away again. */
export function FilterChip({ label, onRemove }: { readonly label: string; readonly onRemove: () => void }) {
  const { manage } = useStrings();
  return (
    <button
      type="button"
      aria-label={manage.removeFilter(label)}
      onClick={onRemove}
      className="inline-flex h-7 max-w-80 items-center gap-1.5 rounded-md bg-accent-soft px-2 text-accent hover:bg-hover"
    >
      <span className="truncate">{label}</span>
      <X size={14} aria-hidden className="shrink-0" />
    </button>
  );
}
