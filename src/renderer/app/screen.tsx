import { Compass } from "lucide-react";
import { AboutPage } from "../pages/about/about-page.tsx";
import { DiagnosticsPage } from "../pages/diagnostics/diagnostics-page.tsx";
import { EnvironmentPage } from "../pages/environment/environment-page.tsx";
import { EnvironmentsPage } from "../pages/environments/environments-page.tsx";
import { MachinePage } from "../pages/machine/machine-page.tsx";
import { NewEnvironmentPage } from "../pages/new/new-environment-page.tsx";
import { SettingsPage } from "../pages/settings/settings-page.tsx";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/states.tsx";
import { useApp, useRoute, useStrings } from "./context.ts";

/** The screen of the address one is at. */
export function Screen() {
  const route = useRoute();
  switch (route.page) {
    case "environments":
      return <EnvironmentsPage />;
    case "environment":
      return <EnvironmentPage key={route.id} id={route.id} tab={route.tab} />;
    case "new":
      return <NewEnvironmentPage key={route.source} source={route.source} />;
    case "machine":
      return <MachinePage />;
    case "settings":
      return <SettingsPage />;
    case "diagnostics":
      return <DiagnosticsPage />;
    case "about":
      return <AboutPage />;
    case "not-found":
      return <NotFound path={route.path} />;
  }
}

function NotFound({ path }: { readonly path: string }) {
  const { shell } = useStrings();
  const { router } = useApp();
  return (
    <EmptyState
      heading="h1"
      icon={Compass}
      title={shell.notFoundTitle}
      actions={<Button onClick={() => router.go({ page: "environments" })}>{shell.toEnvironments}</Button>}
    >
      {shell.notFoundDetail(path)}
    </EmptyState>
  );
}
