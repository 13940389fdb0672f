import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { type App, AppContext } from "./context.ts";
import { Shell } from "./shell.tsx";

const tooltipDelayMs = 500;

/** Everything the window shows. */
export function Root({ app }: { readonly app: App }) {
  return (
    <AppContext value={app}>
      {/* The page may hold no style elements of its own (src/lib/content-security-policy.ts). */}
      <CSPProvider disableStyleElements>
        <Tooltip.Provider delay={tooltipDelayMs}>
          <Shell />
        </Tooltip.Provider>
      </CSPProvider>
    </AppContext>
  );
}
