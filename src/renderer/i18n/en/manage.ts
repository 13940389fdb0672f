import { manageClasses } from "./manage/classes.ts";
import { manageMembers } from "./manage/members.ts";
import { managePolicies } from "./manage/policies.ts";
import { manageAuditLog } from "./manage/audit-log.ts";
import { manageEnvironments } from "./manage/environments.ts";
import { manageProjects } from "./manage/projects.ts";
import { manageSignIn } from "./manage/sign-in.ts";
import { manageUsage } from "./manage/usage.ts";
import { manageRunners } from "./manage/runners.ts";

/** Words of the administration of an organization. */
export const manage = {
  title: "Manage",
  plane: "Plane",
  areas: "Areas",
  sections: {
    runners: "Runners",
    classes: "Classes",
    members: "Members",
    policies: "Policies",
    "audit-log": "Audit log",
    environments: "Environments",
    projects: "Projects",
    "sign-in": "Sign-in",
    usage: "Usage",
  },
  roles: { 1: "Administrator", 2: "Member" },
  asMember: "You are a member here. What your roles do not include, the plane refuses.",
  nobodyTitle: "You are not signed in here",
  nobodyDetail: "An organization is managed at its plane. Add the plane in the settings, and sign in to it.",
  toSettings: "To the settings",
  notSupported: { title: "This plane does not have this yet", detail: "It runs a version of Berth that does not answer the question." },
  notAllowed: { title: "You may not see this", detail: "Your role does not include it. Ask an administrator of your organization." },
  stale: "What you see is how it was.",
  asking: "Asking the plane…",
  working: "It is being done.",
  shown: (n: number, more: boolean) => (more ? `${n} so far` : `${n} in all`),
  shownOf: (n: number, total: number) => `${n} of ${total}`,
  copy: (what: string) => `Copy: ${what}`,
  moreActions: (name: string) => `Actions: ${name}`,
  actions: "Actions",
  search: "Search",
  all: "All",
  done: "Done",
  nothingFound: "Nothing fits what you look for.",
  removeFilter: (what: string) => `Do not look for: ${what}`,
  clearSearch: "Show all",
  formerMember: "somebody who left",
  unknown: "unknown",
  members: manageMembers,
  runners: manageRunners,
  classes: manageClasses,
  usage: manageUsage,
  signIn: manageSignIn,
  projects: manageProjects,
  environments: manageEnvironments,
  auditLog: manageAuditLog,
  policies: managePolicies,
};
