import type { Strings } from "../../strings.ts";

export const manageUsage: Strings["manage"]["usage"] = {
  description: "Wie viel Umgebungen benutzt werden, Tag für Tag, in UTC.",
  range: "Zeitraum",
  lastDays: (n) => `Die letzten ${n} Tage`,
  runtime: "Stunden, die Umgebungen liefen",
  runtimeDetail: "Aller Umgebungen zusammen.",
  active: "Umgebungen, die liefen",
  activeDetail: "Jede, die an dem Tag lief, zählt einmal.",
  hours: (value) => `${value} h`,
  environments: (value) => value,
  summary: (title, total, most) => `${title}: ${total} insgesamt, höchstens ${most} an einem Tag`,
  asTable: "Als Tabelle",
  day: "Tag",
};
