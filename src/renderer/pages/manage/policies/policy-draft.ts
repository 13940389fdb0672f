import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import type { OrganizationPolicies, UpdateOrganizationPoliciesRequest } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { wholeNumberIn } from "../whole-number.ts";

const dayMs = 24 * 60 * 60_000;
const maxCount = 100_000;

/** What can be limited, of what a plane enforces (docs/PLANE.md); 0 is no limit. `least` is the smallest limit there can be. */
export const policyNumbers = {
  maximumRunningEnvironmentsPerUser: { unit: "count", least: 1, most: maxCount },
  maximumEnvironmentsPerUser: { unit: "count", least: 1, most: maxCount },
  maximumEnvironmentLifetime: { unit: "days", least: 1, most: 180 },
  deleteArchivedEnvironmentsAfter: { unit: "days", least: 1, most: 28 },
} as const;
export type PolicyNumber = keyof typeof policyNumbers;

export const policyChecks = [
  "membersCreateProjects",
  "membersRequireProjects",
  "maximumEnvironmentLifetimeStrict",
  "allowLocalRunners",
  "portSharingDisabled",
] as const;
export type PolicyCheck = (typeof policyChecks)[number];

/** Policies as they stand in the form. */
export type PolicyDraft = Readonly<Record<PolicyNumber, string>> &
  Readonly<Record<PolicyCheck, boolean>> & { readonly defaultEnvironmentImage: string };

export function draftOf(policies: OrganizationPolicies): PolicyDraft {
  const days = (ms: number): string => String(Math.round(ms / dayMs));
  const { maximumEnvironmentLifetime: lifetime, deleteArchivedEnvironmentsAfter: archived } = policies;
  return {
    maximumRunningEnvironmentsPerUser: String(policies.maximumRunningEnvironmentsPerUser),
    maximumEnvironmentsPerUser: String(policies.maximumEnvironmentsPerUser),
    maximumEnvironmentLifetime: days(lifetime === undefined ? 0 : durationMs(lifetime)),
    deleteArchivedEnvironmentsAfter: days(archived === undefined ? 0 : durationMs(archived)),
    membersCreateProjects: policies.membersCreateProjects,
    membersRequireProjects: policies.membersRequireProjects,
    maximumEnvironmentLifetimeStrict: policies.maximumEnvironmentLifetimeStrict,
    allowLocalRunners: policies.allowLocalRunners,
    portSharingDisabled: policies.portSharingDisabled,
    defaultEnvironmentImage: policies.defaultEnvironmentImage,
  };
}

/** Whether what was typed is no limit, or one that there can be. */
export function isLimit(name: PolicyNumber, text: string): boolean {
  const { least, most } = policyNumbers[name];
  const value = wholeNumberIn(text, { min: 0, max: most });
  return value !== undefined && (value === 0 || value >= least);
}

/** What was changed since `before`, as the plane is told it; what was not is left to whoever changes it meanwhile. */
export function changesIn(
  before: PolicyDraft,
  now: PolicyDraft,
): Partial<Pick<UpdateOrganizationPoliciesRequest, PolicyNumber | PolicyCheck | "defaultEnvironmentImage">> {
  const changed = <Name extends keyof PolicyDraft>(name: Name): boolean => before[name] !== now[name];
  const checks = Object.fromEntries(policyChecks.filter(changed).map((name) => [name, now[name]]));
  const counts = (["maximumRunningEnvironmentsPerUser", "maximumEnvironmentsPerUser"] as const).filter(changed);
  const duration = (name: PolicyNumber, unitMs: number): object =>
    changed(name) ? { [name]: durationFromMs(Number(now[name]) * unitMs) } : {};
  return {
    ...checks,
    ...Object.fromEntries(counts.map((name) => [name, BigInt(now[name].trim())])),
    ...duration("maximumEnvironmentLifetime", dayMs),
    ...duration("deleteArchivedEnvironmentsAfter", dayMs),
    ...(changed("defaultEnvironmentImage") ? { defaultEnvironmentImage: now.defaultEnvironmentImage.trim() } : {}),
  };
}
