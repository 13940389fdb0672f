import type { Strings } from "../../strings.ts";

export const manageEnvironments: Strings["manage"]["environments"] = {
  description: "Alle Umgebungen der Organisation, die du sehen darfst, die neuesten zuerst.",
  search: "Nach Name suchen",
  phase: "Zustand",
  phaseFilters: { all: "In jedem Zustand", running: "Laufen", changing: "Im Übergang", stopped: "Angehalten" },
  runner: "Runner",
  anyRunner: "Auf allen Runnern",
  archived: "Archiviert",
  archivalFilters: { current: "Nicht archiviert", archived: "Archiviert", all: "Archiviert oder nicht" },
  onlyOf: (name) => `Nur von ${name}`,
  columns: { name: "Name", state: "Zustand", owner: "Von wem", runner: "Runner, Klasse", age: "Angelegt" },
  none: "Es gibt keine Umgebungen",
  noneDetail: "Mitglieder legen sie an, auf den Runnern der Organisation.",
  stop: "Anhalten",
  stopping: (name) => `${name} wird angehalten`,
  isStopped: "Sie ist angehalten.",
  beingDeleted: "Sie wird gelöscht.",
  delete: "Löschen …",
  deleteSubmit: "Löschen",
  deleteTitle: (name) => `${name} löschen?`,
  deleteDetail: (owner) =>
    owner === ""
      ? "Was in ihr ist und nicht hochgeladen wurde, geht verloren."
      : `Sie gehört ${owner}. Was in ihr ist und nicht hochgeladen wurde, geht verloren.`,
  lossUnknown: "Was verloren ginge, ist nicht bekannt: Ihr Runner hat es nicht gesagt.",
  lossNone: "Zuletzt gesehen war alles hochgeladen.",
  loss: (what) => `Zuletzt gesehen: ${what}.`,
  agreeDelete: "Es darf verloren gehen",
  typeName: (name) => `Zum Bestätigen ${name} eingeben`,
  deleteBlocked: (name) => `Stimme zu und gib ${name} ein.`,
  deleted: (name) => `${name} wird gelöscht`,
};
