import type { Strings } from "../strings.ts";

export const about: Strings["about"] = {
  title: "Über Berth",
  tagline: "Entwicklungsumgebungen in einer Linux-Maschine auf deinem eigenen Computer.",
  version: "Version",
  host: "Host",
  hostOf: (pid, started) => `Prozess ${pid}, gestartet ${started}`,
  home: "Dateien",
  app: "App",
  browser: "Im Browser",
  image: "Maschinenabbild",
  imageUnknown: "Bekannt, sobald die Maschine gestartet ist",
  copy: "Diese Angaben kopieren",
  licences: {
    heading: "Lizenzen",
    description: (n) => `Berth lebt von der Arbeit anderer: ${n} Pakete gehören dazu.`,
    loading: "Berth lebt von der Arbeit anderer.",
    search: "Pakete durchsuchen",
    none: "Kein Paket passt.",
    noText: "Das Paket hat keinen Text seiner Lizenz.",
    failed: "Die Lizenzen wurden nicht gebaut. Sie entstehen mit: npm run build",
    image: "Das Maschinenabbild besteht aus Paketen von Debian 13. Ihre Quellen und Lizenzen:",
    own: "Berth selbst steht unter der Apache License 2.0.",
  },
};
