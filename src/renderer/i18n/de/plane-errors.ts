import type { ErrorTexts } from "../errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

/** What goes wrong between this computer and environments of a plane, and what a plane refuses. */
export const planeErrors: ErrorTexts = {
  "gateway-missing": text(
    "Kein Weg führt in diese Umgebung",
    "Die Verwaltungsebene hat kein Gateway, und sonst führt nichts zu den Umgebungen ihrer Runner.",
    "Bitte, wer sie betreibt, einen Server als Gateway zu starten.",
  ),
  "gateway-unreachable": text(
    "Das Gateway war nicht zu erreichen",
    "Keines der Gateways der Verwaltungsebene hat geantwortet, oder der Weg dorthin trägt kein HTTP/2.",
    "Prüfe dein Netz; ein Proxy dazwischen muss HTTP/2 tragen. Versuche es dann noch einmal.",
  ),
  "tunnel-limit": text(
    "Eine weitere Verbindung wurde abgelehnt",
    "Es sind so viele Verbindungen in Umgebungen offen, wie eine Person, ein Runner oder ein Gateway haben darf.",
    "Schließe welche, die du nicht mehr brauchst, und versuche es noch einmal.",
  ),
  "ssh-key-not-accepted": text(
    "Die Umgebung nimmt den Schlüssel dieses Computers noch nicht",
    "Ihr Runner hat ihn nicht rechtzeitig eingetragen; er ist vielleicht beschäftigt oder älter als diese Version.",
    "Versuche es in einer Minute noch einmal. Bleibt es dabei, starte die Umgebung neu oder lass ihren Runner aktualisieren.",
  ),
  "host-key-changed": text(
    "Mit der Umgebung wurde nicht verbunden",
    "Sie zeigt einen anderen Host-Schlüssel als den, den dieser Computer zuerst gesehen hat. Jemand könnte dazwischen sein, oder ihr Runner hat ihn neu gemacht.",
    "Frage, wer den Runner betreut. Wurde der Schlüssel neu gemacht, entferne seine Zeile aus der Datei, die die Meldung nennt, und verbinde neu.",
  ),
  "idempotency-key-reused": text(
    "Nichts wurde getan",
    "Der Idempotenzschlüssel der Anfrage wurde schon für eine andere Anfrage verwendet.",
    "Gib allem, was du anlegst, einen eigenen Schlüssel, und wiederhole einen Aufruf genau so, wie er war.",
  ),
  "answer-not-kept": text(
    "Das wurde schon getan, und die Antwort gibt es nur einmal",
    "Der erste Aufruf mit diesem Idempotenzschlüssel war erfolgreich. In seiner Antwort standen Zugangsdaten, die der Server nicht aufbewahrt.",
    "Suche, was der erste Aufruf angelegt hat. Ging seine Antwort verloren, lege mit einem anderen Schlüssel etwas Neues an und lösche das erste.",
  ),
  "answer-unknown": text(
    "Das wurde schon getan, aber die Antwort ist nicht da",
    "Der erste Aufruf mit diesem Idempotenzschlüssel wurde ausgeführt, seine Antwort aber nicht oder noch nicht festgehalten.",
    "Wiederhole den Aufruf gleich noch einmal; hilft das nicht, suche, was der erste Aufruf angelegt hat.",
  ),
  "policy-refused": text(
    "Eine Richtlinie deiner Organisation lässt das nicht zu",
    "Das hat die Administration deiner Organisation für ihre Mitglieder festgelegt.",
    "Wende dich an die Administration deiner Organisation; sie kann ihre Richtlinien ändern.",
  ),
  "service-running": text(
    "Der Dienst wurde nicht geändert",
    "Er läuft, und womit er läuft, ändert sich nur, wenn er angehalten ist.",
    "Halte ihn an, ändere ihn und starte ihn wieder.",
  ),
};
