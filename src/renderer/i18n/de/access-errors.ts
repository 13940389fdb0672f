import type { ErrorTexts } from "../errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

export const accessErrors: ErrorTexts = {
  "sign-in-required": text(
    "Du bist nicht angemeldet",
    "Die Anfrage trägt kein Token und keine Sitzung, oder eines, das unbekannt, abgelaufen oder widerrufen ist.",
    "Melde dich wieder an, oder nimm ein anderes Token.",
  ),
  "credential-invalid": text(
    "Die Berechtigung wurde nicht angenommen",
    "Das Token ist unbekannt, abgelaufen oder wurde zurückgenommen.",
    "Melde dich neu an oder nimm ein anderes Token.",
  ),
  "not-allowed": text(
    "Du darfst das nicht",
    "Deine Rolle, dein Token, oder was mit dir geteilt wurde, reicht dafür nicht.",
    "Frage, wem es gehört, oder deine Verwaltung.",
  ),
  "exchange-token-invalid": text(
    "Das Tauschtoken wurde nicht angenommen",
    "Es wurde schon benutzt, ist älter als 24 Stunden oder wurde durch ein neueres ersetzt.",
    "Wenn du es nicht selbst benutzt hast, hat es jemand anders: Mache ein neues für diesen Runner, das sperrt den anderen aus.",
  ),
  "runner-signed-up": text(
    "Der Runner wurde nicht angemeldet",
    "Er ist schon angemeldet, mit einem anderen Schlüssel.",
    "Mache ein neues Tauschtoken für ihn und richte ihn damit ein.",
  ),
  "runner-replaced": text(
    "Dieser Runner wurde ersetzt",
    "Ein anderer Prozess hat sich seitdem als derselbe Runner angemeldet.",
    "Beende einen der beiden. Um diesen zu benutzen, starte ihn neu.",
  ),
  "runner-unreachable": text(
    "Der Runner ist nicht erreichbar",
    "Er ist nicht mit der Verwaltung verbunden oder beendet.",
    "Prüfe, dass er läuft, und versuche es noch einmal.",
  ),
  "plane-unreachable": text(
    "Die Verwaltung ist nicht erreichbar",
    "Sie hat nicht geantwortet. Was auf diesem Computer läuft, läuft ohne sie weiter.",
    "Prüfe dein Netz und die Adresse der Verwaltung.",
  ),
  "runner-busy": text(
    "Der Runner hat zu viel zu beantworten",
    "So viele Fragen, wie er zugleich haben darf, warten schon auf ihn.",
    "Versuche es in einer Minute noch einmal.",
  ),
};
