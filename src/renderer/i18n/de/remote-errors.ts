import type { ErrorTexts } from "../errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

export const remoteErrors: ErrorTexts = {
  "creation-offline": text(
    "Die Umgebung wurde nicht angelegt",
    "Die Verwaltungsebene antwortet nicht, und hier könnte nichts die Umgebung für sie betreiben. Anlegen wird nicht für später vorgemerkt.",
    "Wiederhole es, wenn sie wieder antwortet, oder lege die Umgebung auf diesem Rechner an.",
  ),
  "changes-waiting": text(
    "Du bist noch angemeldet",
    "Es gibt Änderungen, die der Verwaltungsebene noch nicht mitgeteilt sind. Sie gingen verloren.",
    "Warte, bis sie wieder da ist, nimm sie zurück oder verwirf sie.",
  ),
  "change-not-found": text(
    "Diese Änderung wartet nicht",
    "Sie wurde inzwischen ausgeführt, verworfen oder zurückgenommen.",
    "Sieh nach, welche noch warten.",
  ),
  "change-being-told": text(
    "Die Änderung wurde nicht zurückgenommen",
    "Sie wird der Verwaltungsebene gerade mitgeteilt; vielleicht ist sie dort schon angekommen.",
    "Sieh gleich nach der Umgebung und ändere sie noch einmal, wenn sie geändert wurde.",
  ),
  "change-limit": text(
    "Die Änderung wurde nicht vorgemerkt",
    "Es warten so viele Änderungen, wie aufgehoben werden.",
    "Nimm einige zurück oder warte, bis die Verwaltungsebene wieder da ist.",
  ),
  "deletion-waiting": text(
    "Die Änderung wurde nicht vorgemerkt",
    "Die Umgebung soll gelöscht werden, sobald die Verwaltungsebene wieder da ist; sonst kann mit ihr nichts geschehen.",
    "Nimm zuerst das Löschen zurück.",
  ),
};
