import type { ErrorTexts } from "../errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

export const signInErrors: ErrorTexts = {
  "sign-in-expired": text(
    "Die Anmeldung wurde nicht beendet",
    "Sie hat zu lange gedauert, wurde schon benutzt oder in einem anderen Browser begonnen.",
    "Beginne die Anmeldung von vorn.",
  ),
  "sign-in-refused": text(
    "Die Anmeldung wurde abgelehnt",
    "Dein Identitätsanbieter, oder du auf seiner Seite, hat nicht zugestimmt.",
    "Beginne die Anmeldung von vorn oder bitte deine Verwaltung um Zugang.",
  ),
  "sign-in-not-usable": text(
    "Die Anmeldung auf diesem Computer konnte nicht benutzt werden",
    "Eine Datei davon ließ sich nicht öffnen oder schreiben, z. B. weil der Datenträger voll ist oder ihr Ordner jemand anderem gehört.",
    "Mach das Genannte für dich beschreibbar und versuch es noch einmal; du bleibst angemeldet.",
  ),
  "sign-in-not-set-up": text(
    "An dieser Verwaltungsebene meldet sich noch niemand an",
    "Wer sie betreibt, hat ihr ihre öffentliche Adresse nicht genannt.",
    "Bitte ihre Betreiber, sie mit --public-url zu starten.",
  ),
  "sign-in-provider-unknown": text(
    "Für diese Adresse gibt es keine Anmeldung",
    "Keine Organisation hier hat die Domain dieser E-Mail-Adresse bestätigt und ihren Identitätsanbieter eingeschaltet.",
    "Prüfe die Adresse oder frage deine Verwaltung.",
  ),
  "sign-in-provider-unreachable": text(
    "Der Identitätsanbieter ist nicht erreichbar",
    "Er hat nicht, zu langsam oder zu viel geantwortet, oder seine Antwort war kein OpenID Connect.",
    "Versuche es in einer Minute noch einmal; bleibt es so, bitte deine Verwaltung, die Adresse zu prüfen.",
  ),
  "sign-in-provider-untrusted": text(
    "Der Antwort des Identitätsanbieters wurde nicht geglaubt",
    "Unterschrift, Aussteller, Empfänger, Zeit oder Bezug auf unsere Frage stimmen nicht.",
    "Beginne die Anmeldung von vorn; bleibt es so, bitte deine Verwaltung, die Einstellungen zu prüfen.",
  ),
  "sign-in-email-unverified": text(
    "Die E-Mail-Adresse ist nicht bestätigt",
    "Der Identitätsanbieter bürgt nicht für deine Adresse; niemand könnte wissen, dass sie deine ist.",
    "Bestätige die Adresse bei deinem Identitätsanbieter und melde dich noch einmal an.",
  ),
  "sign-in-email-domain": text(
    "Die E-Mail-Adresse gehört zu einer anderen Domain",
    "Dieser Identitätsanbieter darf nur Personen der Domains anmelden, die seine Organisation bestätigt hat.",
    "Melde dich mit der Adresse deiner Organisation an.",
  ),
  "sign-in-account-exists": text(
    "Ein Konto hat diese E-Mail-Adresse schon",
    "Es gehört zu einer anderen Anmeldung, und Konten werden nicht nach der Adresse verbunden.",
    "Melde dich an wie zuvor, oder bitte deine Verwaltung, das Verbinden nach bestätigter Adresse zu erlauben.",
  ),
  "sign-in-account-disabled": text(
    "Das Konto darf sich nicht anmelden",
    "Eine Verwalterin oder ein Verwalter hat es abgeschaltet.",
    "Frage deine Verwaltung.",
  ),
  "device-sign-in-off": text(
    "Die Anmeldung mit einem Code ist aus",
    "Die Verwaltung erlaubt sie nur, wo sie eingeschaltet wurde.",
    "Melde dich an einem Computer mit Browser an oder frage deine Verwaltung.",
  ),
  "plane-unreachable": text(
    "Die Verwaltung ist nicht erreichbar",
    "Sie hat nicht geantwortet. Was auf diesem Computer läuft, läuft ohne sie weiter.",
    "Prüfe dein Netz und die Adresse der Verwaltung.",
  ),
  "context-not-found": text(
    "Diesen Kontext gibt es nicht",
    "Unter diesem Namen wurde auf diesem Computer keine Verwaltung hinzugefügt.",
    "Sieh nach, welche es gibt, oder füge sie hinzu.",
  ),
  "context-name-taken": text(
    "So heißt schon ein anderer Kontext",
    "Zwei Verwaltungen gleichen Namens wären nicht zu unterscheiden.",
    "Wähle einen anderen Namen.",
  ),
  "context-limit": text(
    "Mehr Kontexte kann ein Computer nicht haben",
    "Jeder hat eine eigene Anmeldung und eine eigene Liste.",
    "Entferne einen, der nicht mehr gebraucht wird.",
  ),
  "address-not-allowed": text(
    "Die Adresse darf von hier nicht erreicht werden",
    "Sie ist kein https oder führt in ein privates Netz, das der Betreiber nicht erlaubt hat.",
    "Nimm eine öffentliche https-Adresse oder bitte den Betreiber, das Netz zu erlauben.",
  ),
  "domain-record-missing": text(
    "Die Domain ist noch nicht bestätigt",
    "In ihrem DNS steht der TXT-Eintrag mit deinem Code nicht. Neue Einträge sind manchmal erst nach einer Stunde zu sehen.",
    "Trage den genannten Eintrag ein und bestätige noch einmal.",
  ),
  "domain-lookup-failed": text(
    "Die Domain konnte nicht nachgeschlagen werden",
    "Ihre Nameserver haben nicht geantwortet.",
    "Versuche es in einer Minute noch einmal; prüfe, dass das DNS der Domain geht.",
  ),
};
