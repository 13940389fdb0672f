import type { Strings } from "../strings.ts";
import { manageClasses } from "./manage/classes.ts";
import { manageMembers } from "./manage/members.ts";
import { managePolicies } from "./manage/policies.ts";
import { manageAuditLog } from "./manage/audit-log.ts";
import { manageEnvironments } from "./manage/environments.ts";
import { manageProjects } from "./manage/projects.ts";
import { manageSignIn } from "./manage/sign-in.ts";
import { manageUsage } from "./manage/usage.ts";
import { manageRunners } from "./manage/runners.ts";

export const manage: Strings["manage"] = {
  title: "Verwalten",
  plane: "Verwaltung",
  areas: "Bereiche",
  sections: {
    runners: "Runner",
    classes: "Klassen",
    members: "Mitglieder",
    policies: "Richtlinien",
    "audit-log": "Protokoll",
    environments: "Umgebungen",
    projects: "Projekte",
    "sign-in": "Anmeldung",
    usage: "Nutzung",
  },
  roles: { 1: "Administration", 2: "Mitglied" },
  asMember: "Du bist hier Mitglied. Was deine Rollen nicht umfassen, lehnt die Verwaltung ab.",
  nobodyTitle: "Du bist hier nicht angemeldet",
  nobodyDetail: "Eine Organisation wird dort verwaltet, wo du dich bei ihr anmeldest. Füge die Adresse in den Einstellungen hinzu.",
  toSettings: "Zu den Einstellungen",
  notSupported: {
    title: "Das gibt es bei dieser Verwaltung noch nicht",
    detail: "Dort läuft eine Version von Berth, die diese Frage nicht beantwortet.",
  },
  notAllowed: {
    title: "Das darfst du nicht sehen",
    detail: "Deine Rolle umfasst es nicht. Frage jemanden aus der Administration deiner Organisation.",
  },
  stale: "Du siehst den letzten bekannten Stand.",
  asking: "Die Verwaltung wird gefragt …",
  working: "Es wird gerade gemacht.",
  shown: (n, more) => (more ? `${n} bisher` : `${n} insgesamt`),
  shownOf: (n, total) => `${n} von ${total}`,
  copy: (what) => `Kopieren: ${what}`,
  moreActions: (name) => `Aktionen: ${name}`,
  actions: "Aktionen",
  search: "Suchen",
  all: "Alle",
  done: "Fertig",
  nothingFound: "Nichts passt zu dem, was du suchst.",
  removeFilter: (what) => `Nicht mehr suchen: ${what}`,
  clearSearch: "Alles zeigen",
  formerMember: "jemand, der nicht mehr da ist",
  unknown: "unbekannt",
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
