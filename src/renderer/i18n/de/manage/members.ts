import type { Strings } from "../../strings.ts";

export const manageMembers: Strings["manage"]["members"] = {
  description: "Wer zur Organisation gehört und was er hier darf.",
  search: "Nach Name oder E-Mail suchen",
  role: "Rolle",
  status: "Status",
  columns: { name: "Name", role: "Rolle", status: "Status", via: "Meldet sich an mit", since: "Dabei seit" },
  statuses: { 0: "unbekannt", 1: "Aktiv", 2: "Gesperrt", 3: "Ausgetreten" },
  you: (name) => `${name} (du)`,
  none: "Niemand ist hier",
  makeAdmin: "In die Administration aufnehmen …",
  makeMember: "Zum Mitglied machen …",
  suspend: "Sperren …",
  resume: "Wieder einlassen",
  remove: "Entfernen …",
  removeSubmit: "Entfernen",
  notYourself: "Das muss jemand anderes mit dir machen.",
  makeAdminTitle: (name) => `${name} in die Administration aufnehmen?`,
  makeAdminDetail: "Wer dort ist, darf hier alles ändern: Mitglieder, Anmeldung, Runner, Richtlinien und die Umgebungen aller.",
  makeMemberTitle: (name) => `${name} zum Mitglied machen?`,
  makeMemberDetail: "Damit geht alles verloren, was nur die Administration darf. Die Umgebungen bleiben.",
  suspendTitle: (name) => `${name} sperren?`,
  suspendDetail: "Das meldet sofort ab, und Anmelden geht erst wieder, wenn du es erlaubst. Umgebungen und Geheimnisse bleiben.",
  removeTitle: (name) => `${name} aus der Organisation entfernen?`,
  removeDetail: "Das meldet sofort ab. Zurück geht es nur durch einen neuen Beitritt.",
  losesTokens: "Persönliche Zugangstoken, Vorlieben, die Einstellung der Dotfiles und Plätze in Gruppen gehen verloren.",
  losesEnvironments: (n) =>
    n === 0
      ? "Umgebungen gibt es keine."
      : n === 1
        ? "Die eine Umgebung bleibt, unter Umgebungen; lösche sie dort, wenn sie nicht gebraucht wird."
        : `Die ${n} Umgebungen bleiben, unter Umgebungen; lösche sie dort, wenn sie nicht gebraucht werden.`,
  counting: "Umgebungen werden gesucht …",
  agreeRemove: (name) => `${name} entfernen`,
  roleChanged: (name, role) => `${name}: ${role}`,
  suspended: (name) => `${name} ist gesperrt`,
  resumed: (name) => `${name} darf sich wieder anmelden`,
  removed: (name) => `${name} wurde entfernt`,
  invite: "Einladen",
  inviteTitle: "Leute einladen",
  inviteDetail:
    "Wer bei dieser Verwaltung ein Konto hat und die Einladung kennt, kann als Mitglied beitreten. Sie ist für alle dieselbe und läuft nicht ab.",
  inviteCode: "Einladung",
  inviteReset: "Neue machen",
  inviteResetNote: "Wer diese hat und noch nicht beigetreten ist, kann es damit dann nicht mehr.",
  inviteWasReset: "Die alte Einladung gilt nicht mehr",
  inviteNewcomers:
    "Neue brauchen keine Einladung: Sie kommen mit ihrer ersten Anmeldung herein, wenn euer Anmeldedienst für ihre Adresse bürgt.",
};
