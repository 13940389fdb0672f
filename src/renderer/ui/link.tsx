import type { AnchorHTMLAttributes } from "react";
import { useApp } from "../app/context.ts";
import { addressOf, type Route } from "../router/routes.ts";

/** A link to a screen: a real address, so that it can be copied and opened in another window. */
export function Link({ to, onClick, children, ...rest }: { readonly to: Route } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const { router } = useApp();
  return (
    <a
      {...rest}
      href={addressOf(to)}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        router.go(to);
      }}
    >
      {children}
    </a>
  );
}
