import type { ErrorTexts } from "../errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

export const runnerErrors: ErrorTexts = {
  "runner-unfit": text(
    "Der Runner wurde nicht eingerichtet",
    "Diesem Computer fehlt etwas, das ein Runner braucht; nichts wurde geändert.",
    "Behebe, was die Liste mit ✗ markiert, und richte ihn dann erneut ein.",
  ),
  "runner-needs-root": text(
    "An diesem Computer wurde nichts geändert",
    "Benutzer und Dienste des Systems legt nur root an.",
    "Tue es noch einmal als root.",
  ),
  "runner-setup-running": text(
    "An diesem Computer wurde nichts geändert",
    "Sein Runner wird gerade von jemand anderem eingerichtet oder entfernt.",
    "Warte, bis das fertig ist, und tue es dann noch einmal.",
  ),
  "runner-step-failed": text(
    "Ein Schritt beim Einrichten des Runners ist gescheitert",
    "Ein Programm des Systems endete mit einem Fehler.",
    "Behebe, was die Meldung sagt, und tue es noch einmal; was schon getan ist, nimmt dabei keinen Schaden.",
  ),
  "runner-not-set-up": text(
    "Auf diesem Computer gibt es keinen Runner",
    "Er wurde nicht eingerichtet, oder du darfst seinen Ordner nicht lesen.",
    "Richte ihn ein, oder sieh als root nach.",
  ),
  "class-unfit": text(
    "Die Maschine der Umgebung wurde nicht gestartet",
    "Ihre Klasse verlangt eine Maschine, die der Computer des Runners nicht hat.",
    "Lege die Umgebung mit einer anderen Klasse neu an, oder bitte um eine, die passt.",
  ),
  "class-refused": text(
    "Die Klasse wurde nicht hinzugefügt",
    "Ihr Runner kann nicht geben, was sie verlangt.",
    "Verlange, was der Runner hat, oder wähle einen anderen.",
  ),
  "runner-full": text(
    "Die Umgebung hat auf diesem Runner keinen Platz",
    "Der Runner hat so viele Umgebungen, wie er behält.",
    "Lösche eine, die nicht mehr gebraucht wird, oder nimm einen anderen Runner; sie startet von selbst, wenn Platz ist.",
  ),
  "runner-has-work": text(
    "Der Runner wurde nicht entfernt",
    "Seine Umgebungen haben Änderungen, die nirgends sonst sind, oder das lässt sich nicht sagen.",
    "Pushe sie, oder sage, welche verloren gehen dürfen.",
  ),
  "runner-update-failed": text(
    "Der Runner wurde nicht aktualisiert",
    "Die neue Version war nicht zu bekommen, nicht von uns unterschrieben, oder sie lief nicht richtig.",
    "Er läuft weiter wie bisher; sein Status nennt den Grund.",
  ),
};
