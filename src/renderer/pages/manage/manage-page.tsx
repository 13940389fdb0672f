import { Building2 } from "lucide-react";
import { useCallback, useMemo } from "react";
import { type Context, Context_State } from "../../../contract/gen/berth/v1/context_pb.js";
import { OrganizationRole } from "../../../contract/gen/gitpod/v1/organization_pb.js";
import { createPlaneClients } from "../../api/plane-clients.ts";
import { useCall } from "../../api/use-call.ts";
import { useApp, useCommands, useStrings } from "../../app/context.ts";
import { useContexts } from "../../planes/use-contexts.ts";
import { type ManageSection, manageSections } from "../../router/routes.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { cx } from "../../ui/cx.ts";
import { Link } from "../../ui/link.tsx";
import { Page } from "../../ui/page.tsx";
import { Select } from "../../ui/select.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../ui/states.tsx";
import { type Managed, ManagedContext } from "./manage-context.ts";
import { Failure } from "./section-frame.tsx";
import { RunnersSection } from "./runners/runners-section.tsx";
import { PoliciesSection } from "./policies/policies-section.tsx";
import { AuditLogSection } from "./audit-log/audit-log-section.tsx";
import { EnvironmentsSection } from "./environments/environments-section.tsx";
import { ProjectsSection } from "./projects/projects-section.tsx";
import { SignInSection } from "./sign-in/sign-in-section.tsx";
import { UsageSection } from "./usage/usage-section.tsx";
import { ClassesSection } from "./classes/classes-section.tsx";
import { MembersSection } from "./members/members-section.tsx";

/** The administration of an organization, at the plane of a context. */
export function ManagePage({ contextId, section }: { readonly contextId: string; readonly section: ManageSection }) {
  const { shell, manage } = useStrings();
  const { router } = useApp();
  const { value, error, reload } = useContexts();
  const signedIn = (value ?? []).filter(({ state }) => state !== Context_State.SIGNED_OUT);
  const context = contextId === "" ? signedIn[0] : signedIn.find((known) => known.contextId === contextId);
  const choose = (next: string): void => router.go({ page: "manage", contextId: next, section });
  return (
    <Page
      title={shell.manage}
      scroll={false}
      actions={
        signedIn.length < 2 || context === undefined ? null : (
          <Select
            label={manage.plane}
            value={context.contextId}
            options={signedIn.map((known) => ({ value: known.contextId, label: known.name }))}
            onChange={choose}
            className="w-52"
          />
        )
      }
    >
      {context !== undefined ? (
        <Administration key={context.contextId} context={context} section={section} />
      ) : value !== undefined ? (
        <EmptyState
          icon={Building2}
          title={manage.nobodyTitle}
          actions={<Button onClick={() => router.go({ page: "settings" })}>{manage.toSettings}</Button>}
        >
          {manage.nobodyDetail}
        </EmptyState>
      ) : error !== undefined ? (
        <div className="p-4">
          <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
        </div>
      ) : (
        <Skeleton className="m-4 h-24" />
      )}
    </Page>
  );
}

function Administration({ context, section }: { readonly context: Context; readonly section: ManageSection }) {
  const { clients } = useApp();
  const { contextId, organizationId } = context;
  const plane = useMemo(() => createPlaneClients(clients.contexts, contextId), [clients, contextId]);
  const me = useCall(
    useCallback(
      async (signal: AbortSignal) => {
        const { account } = await plane.accounts.getAccount({}, { signal });
        return account?.memberships.find((membership) => membership.organizationId === organizationId);
      },
      [plane, organizationId],
    ),
  );
  const managed = useMemo(
    (): Managed => ({
      clients: plane,
      planeUrl: context.planeUrl,
      organizationId,
      organizationName: me.value?.organizationName ?? context.organizationName,
      userId: me.value?.userId ?? "",
      role: me.value?.userRole ?? OrganizationRole.UNSPECIFIED,
    }),
    [plane, context, organizationId, me.value],
  );
  const isKnown = me.value !== undefined || !me.busy;
  return (
    <ManagedContext value={managed}>
      <div className="flex min-h-0 flex-1">
        <SectionLinks context={context} section={section} managed={managed} />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          {!isKnown ? (
            <div aria-busy className="p-4">
              <Skeleton className="h-24" />
            </div>
          ) : me.value === undefined && me.error !== undefined && me.error.code !== "not-allowed" ? (
            <Failure error={me.error} onRetry={me.reload} />
          ) : (
            <CurrentSection section={section} />
          )}
        </div>
      </div>
    </ManagedContext>
  );
}

function SectionLinks({
  context,
  section,
  managed,
}: {
  readonly context: Context;
  readonly section: ManageSection;
  readonly managed: Managed;
}) {
  const { manage } = useStrings();
  const { router } = useApp();
  const { contextId } = context;
  useCommands(
    useMemo(
      () =>
        manageSections.map((name) => ({
          id: `manage:${name}`,
          title: `${manage.title}: ${manage.sections[name]}`,
          section: manage.title,
          run: () => router.go({ page: "manage", contextId, section: name }),
        })),
      [manage, router, contextId],
    ),
  );
  return (
    <nav aria-label={manage.areas} className="flex w-52 shrink-0 flex-col gap-0.5 overflow-y-auto border-r p-3">
      <p className="truncate px-2 font-medium">{managed.organizationName}</p>
      <p className="mb-2 flex items-center gap-2 px-2 text-sm text-muted">
        <span className="truncate">{context.accountName}</span>
        {managed.role === OrganizationRole.UNSPECIFIED ? null : <Badge>{manage.roles[managed.role]}</Badge>}
      </p>
      {manageSections.map((name) => (
        <Link
          key={name}
          to={{ page: "manage", contextId, section: name }}
          aria-current={name === section ? "page" : undefined}
          className={cx(
            "flex min-h-7 items-center rounded-md px-2",
            name === section ? "bg-selected font-medium" : "text-muted hover:bg-hover hover:text-fg",
          )}
        >
          {manage.sections[name]}
        </Link>
      ))}
      {managed.role === OrganizationRole.MEMBER ? <p className="mt-3 px-2 text-sm text-muted">{manage.asMember}</p> : null}
    </nav>
  );
}

function CurrentSection({ section }: { readonly section: ManageSection }) {
  switch (section) {
    case "members":
      return <MembersSection />;
    case "runners":
      return <RunnersSection />;
    case "classes":
      return <ClassesSection />;
    case "usage":
      return <UsageSection />;
    case "sign-in":
      return <SignInSection />;
    case "projects":
      return <ProjectsSection />;
    case "environments":
      return <EnvironmentsSection />;
    case "audit-log":
      return <AuditLogSection />;
    case "policies":
      return <PoliciesSection />;
  }
}
