import { Search } from "lucide-react";
import { Input } from "../../ui/input.tsx";

/** As long as a pause between two keys. */
export const searchDelayMs = 250;

export function SearchBox({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}) {
  return (
    <div className="relative max-w-80 min-w-40 flex-1">
      <Search size={14} aria-hidden className="absolute top-1.75 left-2 text-muted" />
      <Input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onChange("");
        }}
        className="pl-7"
      />
    </div>
  );
}
