import { Eye, EyeOff } from "lucide-react";
import { type InputHTMLAttributes, useState } from "react";
import { useStrings } from "../../app/context.ts";
import { IconButton } from "../../ui/button.tsx";
import { cx } from "../../ui/cx.ts";

export interface SecretInputProps extends Omit<InputHTMLAttributes<HTMLTextAreaElement>, "value" | "onChange"> {
  readonly value: string;
  readonly onText: (text: string) => void;
  readonly invalid: boolean;
  readonly rows?: number;
}

/** An input whose content is dots until it is asked for; it may have several lines, as keys and certificates do. */
export function SecretInput({ value, onText, invalid, rows = 1, ...rest }: SecretInputProps) {
  const { settings } = useStrings();
  const [shown, setShown] = useState(false);
  return (
    <div className="flex items-start gap-1">
      <textarea
        {...rest}
        rows={rows}
        value={value}
        onChange={(event) => onText(event.target.value)}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-invalid={invalid || undefined}
        className={cx(
          "min-h-7 min-w-0 flex-1 resize-none rounded-md border bg-bg px-2 py-1 font-mono text-sm",
          invalid ? "border-danger" : "border-line-strong",
          !shown && "[-webkit-text-security:disc]",
        )}
      />
      <IconButton
        icon={shown ? EyeOff : Eye}
        label={shown ? settings.secrets.hide : settings.secrets.show}
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
      />
    </div>
  );
}
