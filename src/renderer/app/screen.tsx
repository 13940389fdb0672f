import { Compass } from "lucide-react";
import { lazy, Suspense, useEffect } from "react";
import { EnvironmentsPage } from "../pages/environments/environments-page.tsx";
import { Button } from "../ui/button.tsx";
import { Page } from "../ui/page.tsx";
import { EmptyState, Skeleton } from "../ui/states.tsx";
import { useApp, useAppState, useRoute, useStrings } from "./context.ts";

/** What is not seen first comes in pieces of its own, so that the list is there sooner. */
const pages = {
  about: async () => import("../pages/about/about-page.tsx"),
  diagnostics: async () => import("../pages/diagnostics/diagnostics-page.tsx"),
  environment: async () => import("../pages/environment/environment-page.tsx"),
  machine: async () => import("../pages/machine/machine-page.tsx"),
  manage: async () => import("../pages/manage/manage-page.tsx"),
  new: async () => import("../pages/new/new-environment-page.tsx"),
  settings: async () => import("../pages/settings/settings-page.tsx"),
} as const;
const AboutPage = lazy(async () => ({ default: (await pages.about()).AboutPage }));
const DiagnosticsPage = lazy(async () => ({ default: (await pages.diagnostics()).DiagnosticsPage }));
const EnvironmentPage = lazy(async () => ({ default: (await pages.environment()).EnvironmentPage }));
const MachinePage = lazy(async () => ({ default: (await pages.machine()).MachinePage }));
const ManagePage = lazy(async () => ({ default: (await pages.manage()).ManagePage }));
const NewEnvironmentPage = lazy(async () => ({ default: (await pages.new()).NewEnvironmentPage }));
const SettingsPage = lazy(async () => ({ default: (await pages.settings()).SettingsPage }));

/** The screen of the address one is at. */
export function Screen() {
  // Then the list is on the screen, and what else may be opened need not be waited for, also when the host has gone by then.
  const online = useAppState((state) => state.connection === "online");
  useEffect(() => {
    // One that fails is missed when it is opened, and the error says so there.
    if (online) for (const load of Object.values(pages)) void load().catch(() => undefined);
  }, [online]);
  return (
    <Suspense fallback={<LoadingPage />}>
      <CurrentPage />
    </Suspense>
  );
}

function LoadingPage() {
  const { shell } = useStrings();
  return (
    <Page title={shell.loading}>
      <div aria-busy className="flex max-w-3xl flex-col gap-3 p-4">
        <Skeleton className="h-8 w-1/3" />
        <Skeleton className="h-24 w-full" />
      </div>
    </Page>
  );
}

function CurrentPage() {
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
    case "manage":
      return <ManagePage contextId={route.contextId} section={route.section} />;
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
