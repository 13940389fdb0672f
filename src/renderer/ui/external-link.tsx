import { ExternalLink as Icon } from "lucide-react";
import type { ReactNode } from "react";

/** A link that leaves Berth: the app gives it to the system's browser, a browser opens another tab. */
export function ExternalLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      className="inline-flex items-center gap-1 text-accent underline-offset-2 hover:underline"
    >
      {children}
      <Icon size={12} aria-hidden />
    </a>
  );
}
