import { KeyRound } from "lucide-react";
import { EmptyState } from "../ui/states.tsx";
import { useStrings } from "./context.ts";

/** A browser without a session. It cannot mend that by itself: only who is at this computer's terminal gets a link. */
export function Refused() {
  const { shell } = useStrings();
  return (
    <main className="h-full">
      <EmptyState heading="h1" icon={KeyRound} title={shell.refusedTitle}>
        <p>{shell.refusedDetail}</p>
        <pre className="mt-3 rounded-md border bg-sunken px-3 py-2 text-left font-mono text-fg select-all">berth ui</pre>
      </EmptyState>
    </main>
  );
}
