import type { Strings } from "../strings.ts";

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export const diagnostics: Strings["diagnostics"] = {
  title: "Diagnose",
  again: "Erneut prüfen",
  looking: "Dieser Computer wird untersucht",
  notOffline: "Berth antwortet nicht.",
  checks: { heading: "Dieser Computer", description: "Was Berth braucht und was es gefunden hat." },
  titles: {
    version: "Versionen",
    hypervisor: "Hypervisor",
    accelerator: "Beschleunigung",
    memory: "Arbeitsspeicher",
    disk: "Platte dieses Computers",
    image: "Maschinenabbild",
    programs: "Programme",
    network: "Netzwerk",
    ssh: "ssh-Einrichtung",
    machine: "Maschine",
    "data-disk": "Platte der Maschine",
  },
  severities: { unknown: "Unbekannt", ok: "In Ordnung", warning: "Warnung", error: "Fehler" },
  summary: (errors, warnings) =>
    errors + warnings === 0
      ? "Alles ist in Ordnung."
      : [errors === 0 ? "" : count(errors, "Fehler", "Fehler"), warnings === 0 ? "" : count(warnings, "Warnung", "Warnungen")]
          .filter((part) => part !== "")
          .join(", "),
  bundle: {
    heading: "Paket für den Support",
    description:
      "Eine Textdatei für jemanden, der dir hilft. Du siehst alles, bevor es gespeichert wird; nichts wird irgendwohin geschickt. Token, Passwörter, Namen, E-Mail- und Netzwerkadressen sind verborgen.",
    make: "Paket schnüren",
    makeAgain: "Neu schnüren",
    making: "Wird gesammelt",
    save: "Speichern",
    saved: (name) => `${name} wurde gespeichert`,
    keepNames: "Namen von Umgebungen und Repositorys lesbar lassen",
    nothingChosen: "Wähle mindestens einen Teil.",
    include: (part) => `Mitnehmen: ${part}`,
    parts: {
      versions: "Versionen und Größen",
      diagnosis: "Diagnose",
      environments: "Umgebungen",
      "host-log": "Protokoll des Hosts",
      "machine-console": "Konsole der Maschine",
    },
    hidden: (what) => `Verborgen: ${what}`,
    nothingHidden: "Es war nichts zu verbergen",
    kinds: {
      tokens: "Token",
      passwords: "Passwörter",
      "private keys": "private Schlüssel",
      "credentials in addresses": "Zugangsdaten in Adressen",
      "e-mail addresses": "E-Mail-Adressen",
      "network addresses": "Netzwerkadressen",
      "user names": "Namen von Personen",
      "names of environments": "Namen von Umgebungen",
    },
    empty: "Da ist nichts.",
    failed: (why) => `Es ließ sich nicht lesen: ${why}`,
    lookAt: "Lies es durch: Verborgen wird nach Regeln, und du weißt am besten, was niemanden etwas angeht.",
  },
};
