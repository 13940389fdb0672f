import type { Strings } from "../../strings.ts";

export const manageProjects: Strings["manage"]["projects"] = {
  description: "Repositorys, aus denen Mitglieder immer wieder Umgebungen machen, mit dem, was für alle gleich ist.",
  search: "Nach Name suchen",
  columns: { name: "Name", devcontainer: "Dev-Container", creator: "Angelegt von", created: "Angelegt" },
  none: "Es gibt keine Projekte",
  noneDetail: "Ein Projekt hat ein Repository, dessen Dev-Container und seine Geheimnisse.",
  add: "Projekt hinzufügen",
  edit: (name) => `${name} bearbeiten`,
  remove: (name) => `${name} löschen`,
  name: "Name",
  nameMissing: "Es fehlt ein Name.",
  repository: "Repository",
  repositoryHint: "Seine Adresse, oder die eines Branches.",
  repositoryInvalid: "Das ist keine Adresse eines Repositorys.",
  devcontainer: "Dev-Container",
  devcontainerHint: "Der Pfad seiner Datei im Repository. Leer gelassen wird er von selbst gefunden.",
  pathInvalid: "Ein Pfad im Repository beginnt nicht mit /.",
  descriptionLabel: "Beschreibung",
  descriptionHint: "Für Menschen.",
  saved: (name) => `${name} wurde gespeichert`,
  removeTitle: (name) => `Projekt ${name} löschen?`,
  removeDetail:
    "Seine Geheimnisse und was von ihm geteilt ist, werden auch gelöscht. Umgebungen aus ihm bleiben und verlieren die Geheimnisse des Projekts, wenn sie das nächste Mal starten.",
  removeSubmit: "Löschen",
  removed: (name) => `${name} wurde gelöscht`,
};
