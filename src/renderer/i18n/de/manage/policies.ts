import type { Strings } from "../../strings.ts";

export const managePolicies: Strings["manage"]["policies"] = {
  description: "Was Mitglieder dürfen und welche Grenzen es gibt. Grenzen gelten auch für die Administration.",
  groups: { projects: "Projekte", environments: "Umgebungen", access: "Zugang" },
  countsFromNow: "Eine Änderung gilt für das, was von da an getan wird.",
  revert: "Änderungen verwerfen",
  mend: "Berichtige zuerst die markierten Felder.",
  noLimit: "ohne Grenze",
  units: { count: "höchstens", days: "Tage" },
  limitWrong: (least, most) => `0 für keine Grenze, sonst eine ganze Zahl von ${least} bis ${most}.`,
  policies: {
    membersCreateProjects: {
      label: "Mitglieder dürfen Projekte anlegen",
      hint: "Sonst tun das nur die Administrationen der Organisation und der Projekte.",
    },
    membersRequireProjects: {
      label: "Umgebungen brauchen ein Projekt",
      hint: "Mitglieder machen Umgebungen nur aus Projekten und nicht aus beliebigen Adressen.",
    },
    maximumRunningEnvironmentsPerUser: {
      label: "Laufende Umgebungen je Person",
      hint: "Eine weitere startet erst, wenn eine angehalten wurde.",
    },
    maximumEnvironmentsPerUser: {
      label: "Umgebungen je Person",
      hint: "Laufend oder angehalten; eine weitere gibt es erst, wenn eine gelöscht wurde.",
    },
    maximumEnvironmentLifetime: {
      label: "Längstes Leben einer Umgebung",
      hint: "Gezählt ab dem Anlegen; dann startet sie nicht mehr. Was läuft, wird nicht angehalten.",
    },
    maximumEnvironmentLifetimeStrict: {
      label: "Das längste Leben kann nicht verlängert werden",
      hint: "Niemand kann einer einzelnen Umgebung ein späteres Ende geben.",
    },
    deleteArchivedEnvironmentsAfter: {
      label: "Archivierte Umgebungen löschen nach",
      hint: "Solche mit Änderungen, die nicht hochgeladen wurden, bleiben, bis sie es sind.",
    },
    defaultEnvironmentImage: {
      label: "Image für Repositorys ohne Dev-Container",
      hint: "Leer gelassen ist es Berths eigenes.",
    },
    allowLocalRunners: {
      label: "Mitglieder dürfen ihren eigenen Computer als Runner benutzen",
      hint: "Sonst laufen Umgebungen nur auf den Runnern der Organisation.",
    },
    portSharingDisabled: {
      label: "Ports bleiben privat",
      hint: "Niemand kann einen Port einer Umgebung für andere öffnen.",
    },
  },
};
