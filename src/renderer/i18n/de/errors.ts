import type { ErrorTexts } from "../errors.ts";
import { accessErrors } from "./access-errors.ts";
import { planeErrors } from "./plane-errors.ts";
import { remoteErrors } from "./remote-errors.ts";
import { runnerErrors } from "./runner-errors.ts";
import { signInErrors } from "./sign-in-errors.ts";

const text = (title: string, why: string, whatToTry: string) => ({ title, why, whatToTry });

export const errors: ErrorTexts = {
  ...accessErrors,
  ...planeErrors,
  ...remoteErrors,
  ...runnerErrors,
  ...signInErrors,
  "url-invalid": text(
    "Die Adresse wurde nicht angenommen",
    "Sie ist keine https-, http- oder ssh-Adresse eines git-Repositorys.",
    "Füge die Adresse aus deinem Browser ein.",
  ),
  "repository-unreachable": text(
    "Das Repository ist nicht erreichbar",
    "Sein Server hat nicht geantwortet.",
    "Prüfe Adresse, Netz und VPN und starte die Umgebung erneut.",
  ),
  "certificate-untrusted": text(
    "Dem Zertifikat des Servers wird nicht vertraut",
    "Die Maschine kennt nicht, wer es ausgestellt hat. In vielen Firmen liest ein Proxy mit und hat eine eigene Zertifizierungsstelle.",
    "Füge deren Zertifikat in den Einstellungen unter Netzwerk hinzu und starte die Umgebung erneut.",
  ),
  "repository-not-found": text(
    "Das Repository wurde nicht gefunden",
    "Es gibt es nicht, oder es ist privat und es fehlt eine Anmeldung.",
    "Prüfe die Adresse; melde dich bei privaten zuerst beim Host an.",
  ),
  "authentication-required": text(
    "Das Repository verlangt eine Anmeldung",
    "Sein Server hat die anonyme Anfrage abgelehnt.",
    "Hinterlege ein Token für diesen Host und starte die Umgebung erneut.",
  ),
  "ref-not-found": text(
    "Branch, Tag oder Commit wurde nicht gefunden",
    "Im Repository gibt es nichts mit diesem Namen.",
    "Prüfe den Namen; vielleicht wurde er nach dem Mergen gelöscht.",
  ),
  "clone-failed": text(
    "Das Repository konnte nicht geklont werden",
    "git hat einen Fehler gemeldet.",
    "Lies das Log; starte die Umgebung erneut, wenn die Ursache behoben ist.",
  ),
  "folder-not-found": text("Der Ordner wurde nicht gefunden", "Auf diesem Computer gibt es ihn nicht.", "Prüfe den Pfad."),
  "folder-unreadable": text("Der Ordner konnte nicht gelesen werden", "Eine Datei darin lässt sich nicht öffnen.", "Prüfe ihre Rechte."),
  "upload-failed": text(
    "Der Ordner konnte nicht in die Maschine kopiert werden",
    "Das Kopieren wurde unterbrochen.",
    "Versuche es erneut; nichts wurde verändert.",
  ),
  "devcontainer-invalid": text(
    "Die Konfiguration des Dev-Containers ist kaputt",
    "devcontainer.json ließ sich nicht lesen.",
    "Repariere die Datei im Notfall-Container und baue neu.",
  ),
  "devcontainer-choice": text(
    "Es gibt mehrere Dev-Container",
    "Das Repository hat mehr als eine devcontainer.json, und keine wurde gewählt.",
    "Wähle eine davon.",
  ),
  "devcontainer-failed": text(
    "Der Dev-Container konnte nicht gebaut werden",
    "Bauen oder Starten ist gescheitert.",
    "Lies das Log, repariere die Konfiguration im Notfall-Container und baue neu.",
  ),
  "lifecycle-command-failed": text(
    "Ein Lifecycle-Befehl ist gescheitert",
    "Ein Befehl aus devcontainer.json endete mit einem Fehler.",
    "Lies das Log; der Container läuft trotzdem.",
  ),
  "image-not-found": text(
    "Das Container-Image wurde nicht gefunden",
    "Die Registry hat es nicht, oder es ist privat.",
    "Prüfe den Namen in devcontainer.json, oder melde dich bei der Registry an.",
  ),
  "registry-unreachable": text(
    "Die Registry ist nicht erreichbar",
    "Sie hat nicht geantwortet.",
    "Prüfe dein Netz; Images, die schon da sind, gehen weiter.",
  ),
  timeout: text(
    "Es hat zu lange gedauert",
    "Ein Schritt endete nicht in seiner Zeit.",
    "Sieh im Log nach, worauf er wartete, und starte erneut.",
  ),
  "host-requirements": text(
    "Die Maschine ist zu klein für diesen Dev-Container",
    "hostRequirements verlangt mehr, als sie hat.",
    "Wähle eine größere Klasse.",
  ),
  "name-taken": text("Der Name ist vergeben", "Eine andere Umgebung heißt so.", "Wähle einen anderen Namen."),
  "name-invalid": text(
    "Der Name wurde nicht angenommen",
    "Ein Name hat 1 bis 80 Buchstaben, Ziffern, Leerzeichen oder . _ -.",
    "Wähle einen anderen Namen.",
  ),
  "environment-not-found": text(
    "Die Umgebung wurde nicht gefunden",
    "Keine Umgebung hat diesen Namen oder diese Kennung.",
    "Vielleicht wurde sie gelöscht; sieh in der Liste nach.",
  ),
  "environment-not-running": text("Die Umgebung läuft nicht", "Dafür muss sie laufen.", "Starte sie und versuche es erneut."),
  "environment-busy": text(
    "Die Umgebung ist beschäftigt",
    "Ein anderer Vorgang ist noch nicht beendet.",
    "Warte darauf, oder halte die Umgebung an.",
  ),
  "uncommitted-work": text(
    "Die Umgebung wurde nicht gelöscht",
    "Sie hat Änderungen, die nirgends gepusht wurden.",
    "Pushe sie, oder bestätige, dass du sie nicht brauchst.",
  ),
  "confirmation-missing": text(
    "Die Maschine wurde nicht zurückgesetzt",
    "Die Namen der Umgebungen, die verloren gingen, wurden nicht bestätigt.",
    "Gib die Namen aller Umgebungen darauf ein.",
  ),
  "host-disk-full": text(
    "Die Festplatte dieses Computers ist fast voll",
    "Die Maschine braucht freien Platz.",
    "Schaffe Platz, oder lösche Umgebungen, die du nicht mehr brauchst.",
  ),
  "data-disk-full": text(
    "Die Festplatte der Maschine ist voll",
    "Sie hat ihre Grenze erreicht.",
    "Lösche Umgebungen oder Images, die du nicht mehr brauchst, oder erhöhe die Grenze.",
  ),
  "out-of-memory": text(
    "Der Maschine ging der Speicher aus",
    "Der Kernel hat einen Prozess beendet.",
    "Gib der Maschine mehr Speicher, oder lass weniger darin laufen.",
  ),
  "machine-boot-failed": text(
    "Die Maschine ist nicht gestartet",
    "Sie wurde nicht rechtzeitig bereit.",
    "Sieh auf der Seite Maschine ihre Konsole an. Deine Daten sind unberührt auf ihrer Platte.",
  ),
  "machine-crashed": text(
    "Die Maschine endete unerwartet",
    "Der Prozess des Hypervisors ist weg.",
    "Starte die Umgebung erneut; was geschrieben war, ist noch da.",
  ),
  "machine-unreachable": text(
    "Die Maschine antwortet nicht",
    "Ihr Agent war nicht erreichbar.",
    "Halte die Maschine auf ihrer Seite an und starte dann die Umgebung.",
  ),
  "machine-running": text("Die Maschine läuft", "Dafür muss sie aus sein.", "Halte sie zuerst auf der Seite Maschine an."),
  "computer-memory-short": text(
    "Dieser Computer hat nicht genug Arbeitsspeicher für noch eine Maschine",
    "Die Maschinen, die laufen, brauchen, was er hergeben kann.",
    "Leg auf der Seite Maschine eine davon schlafen, oder gib Maschinen weniger Arbeitsspeicher.",
  ),
  "machine-not-found": text("Die Maschine wurde nicht gefunden", "Es gibt keine mit diesem Namen.", "Sieh auf der Seite Maschine nach."),
  "data-disk-read-only": text(
    "Auf die Platte der Maschine kann nicht mehr geschrieben werden",
    "Es gab einen Fehler darauf, und seitdem wird nichts mehr geschrieben. Was vorher geschrieben wurde, ist sicher.",
    "Stoppe die Maschine auf ihrer Seite und starte die Umgebung wieder: Dann wird die Platte geprüft.",
  ),
  "suspend-failed": text(
    "Die Maschine wurde nicht schlafen gelegt",
    "Ihr Speicher konnte nicht gesichert werden; sie läuft weiter wie bisher.",
    "Versuche es noch einmal, oder fahre sie auf der Seite Maschine herunter.",
  ),
  "fork-unavailable": text(
    "Aus der Vorlage ließ sich keine neue Maschine machen",
    "Die Vorlage schläft nicht so, wie sie müsste.",
    "Starte die Umgebung noch einmal; ihre Maschine wird dann hochgefahren.",
  ),
  "data-schema-too-new": text(
    "Die Platte der Maschine ist von einer neueren Version",
    "Ein neueres Berth hat sie geschrieben, und dieses könnte beschädigen, was darauf ist.",
    "Installiere diese Version wieder; nichts wurde verändert. Um ohne den Inhalt neu zu beginnen, setze die Maschine auf ihrer Seite zurück.",
  ),
  "data-migration-failed": text(
    "Die Platte der Maschine konnte nicht auf die neue Version gebracht werden",
    "Das neue Maschinenabbild kam mit seiner Arbeit daran nicht zu Ende.",
    "Nichts ging verloren: Die Platte wird so wiederhergestellt, wie sie war. Mehr steht in der Konsole auf der Seite Maschine.",
  ),
  "upgrade-needs-space": text(
    "Die Maschine wurde nicht auf die neue Version gebracht",
    "Ihre Platte wird vorher kopiert, damit nichts verloren gehen kann, und dafür hat dieser Computer zu wenig Platz.",
    "Gib so viel Platz frei, wie die Meldung sagt, und starte die Maschine neu; bis dahin läuft sie wie bisher.",
  ),
  "hypervisor-missing": text(
    "Der Hypervisor wurde nicht gefunden",
    "QEMU ist nicht installiert.",
    "Installiere es: sudo apt-get install qemu-system-x86 qemu-utils passt",
  ),
  "hypervisor-failed": text(
    "Der Hypervisor endete mit einem Fehler",
    "Er hat die Maschine nicht angenommen.",
    "Sieh auf der Seite Diagnose nach.",
  ),
  "image-missing": text("Das Image der Maschine fehlt", "Es wurde noch nicht gebaut oder geladen.", "Baue es mit: npm run image"),
  "image-corrupt": text(
    "Das Image der Maschine ist beschädigt",
    "Seine Prüfsumme stimmt nicht.",
    "Baue es neu mit: npm run image -- --force. Deine Daten sind auf einer anderen Platte.",
  ),
  "image-download-failed": text(
    "Das Image der Maschine konnte nicht geladen werden",
    "Weder sein Server noch ein Spiegel gab es so, wie es sein soll.",
    "Prüfe dein Netz und starte die Maschine noch einmal: Das Laden geht dort weiter, wo es endete. Oder baue es mit: npm run image",
  ),
  "too-many-ports": text(
    "Der Port wird nicht weitergeleitet",
    "Eine Umgebung hat höchstens 100 Ports auf diesem Computer.",
    "Beende Programme, die lauschen und nicht gebraucht werden.",
  ),
  "port-taken": text(
    "Der Port ist auf diesem Computer vergeben",
    "Ein anderes Programm benutzt ihn.",
    "Ein anderer wurde gewählt; die Seite der Umgebung zeigt ihn.",
  ),
  "host-running": text(
    "Berth läuft schon",
    "Ein anderes Berth benutzt denselben Ordner.",
    "Benutze dieses, oder setze BERTH_HOME auf einen anderen Ordner.",
  ),
  "host-not-running": text("Berth läuft nicht", "Niemand antwortet auf seinem Socket.", "Starte Berth erneut."),
  "store-corrupt": text(
    "Die Datenbank von Berth ist beschädigt",
    "Ihre Prüfung ist gescheitert.",
    "Eine ältere Kopie liegt daneben; siehe docs/TROUBLESHOOTING.md.",
  ),
  "store-too-new": text(
    "Die Datenbank von Berth ist von einer neueren Version",
    "Ein neueres Berth hat sie geschrieben.",
    "Installiere diese Version wieder; nichts wurde verändert.",
  ),
  "ssh-failed": text(
    "Die ssh-Verbindung kam nicht zustande",
    "Der ssh-Server der Umgebung hat nicht geantwortet.",
    "Prüfe, ob die Umgebung läuft.",
  ),
  "editor-unknown": text(
    "Der Editor ist nicht bekannt",
    "Berth hat keinen Link für ihn.",
    "Installiere ihn, oder wähle in den Einstellungen einen anderen.",
  ),
  "target-invalid": text(
    "Das Ziel wurde nicht angenommen",
    "Es ist weder der Name eines Hosts, mit oder ohne Port, noch eine https-Adresse.",
    "Gib etwas wie example.org oder example.org:443 an.",
  ),
  "setting-invalid": text(
    "Die Einstellung wurde nicht geändert",
    "So viel hat dieser Computer nicht, oder die Angabe ist dort nicht zu gebrauchen.",
    "Wähle einen anderen Wert; der bisherige gilt weiter.",
  ),
  "terminal-not-found": text(
    "Das Terminal gibt es nicht mehr",
    "Es wurde geschlossen, oder seine Maschine wurde neu gestartet.",
    "Öffne ein neues Terminal.",
  ),
  "terminal-limit": text(
    "Es wurde kein weiteres Terminal geöffnet",
    "Es sind so viele offen, wie Berth behält.",
    "Schließe eines, das du nicht mehr brauchst.",
  ),
  "folder-not-shareable": text(
    "Der Ordner wird nicht freigegeben",
    "Es gibt ihn nicht, oder er enthält mehr, als eine Umgebung sehen sollte.",
    "Nenne einen Ordner, der nur für die Umgebung da ist, etwa einen mit Daten. Um auf beiden Seiten an Dateien zu arbeiten, gleiche einen Ordner ab.",
  ),
  "folder-sharing-unavailable": text(
    "Auf diesem Computer lassen sich keine Ordner für Maschinen freigeben",
    "Das Programm, das sie freigibt, fehlt oder ließ sich nicht starten.",
    "Installiere virtiofsd 1.11 oder neuer, das Debian 13, Ubuntu 24.04 und neuere als Paket haben, oder gleiche einen Ordner ab.",
  ),
  "shared-folder-not-found": text(
    "Der freigegebene Ordner wurde nicht gefunden",
    "Es gibt keinen dieses Namens.",
    "Er wurde vielleicht gerade entfernt.",
  ),
  "sync-not-found": text("Der Abgleich wurde nicht gefunden", "Es gibt keinen dieses Namens.", "Er wurde vielleicht gerade beendet."),
  "sync-refused": text(
    "Der Ordner wird nicht abgeglichen",
    "Er ist anders in Gebrauch, nicht benutzbar, oder enthält mehr als Arbeit.",
    "Wähle für die Umgebung einen eigenen Ordner.",
  ),
  "environment-archived": text(
    "Die Umgebung ist archiviert",
    "Eine archivierte Umgebung startet nicht.",
    "Hole sie zuerst aus dem Archiv.",
  ),
  "environment-expired": text("Die Umgebung darf nicht mehr starten", "Ihre Lebenszeit ist zu Ende.", "Mache eine neue Umgebung."),
  "request-invalid": text(
    "Die Anfrage wurde nicht angenommen",
    "Eines ihrer Felder verletzt eine Regel der API.",
    "Ändere das Feld, das die Meldung nennt.",
  ),
  "not-supported": text(
    "Das kann Berth nicht",
    "Die API kennt es, diese Version von Berth nicht; nichts wurde verändert.",
    "Lass das Feld leer, das die Meldung nennt.",
  ),
  "resource-not-found": text("Das gibt es nicht", "Nichts hat diese Kennung.", "Lade die Seite neu und wähle aus dem, was da ist."),
  "resource-exists": text("Das gibt es schon", "Etwas anderes hat denselben Namen am selben Ort.", "Ändere jenes, oder lösche es zuerst."),
  "store-unavailable": text(
    "Die Datenbank hat nicht geantwortet",
    "Sie läuft nicht, ist nicht erreichbar oder hat zu viel auf einmal zu tun.",
    "Versuche es gleich noch einmal; wer den Server betreibt, sieht den Grund in seinem Protokoll.",
  ),
  "changed-meanwhile": text(
    "Nichts wurde verändert",
    "Jemand anders hat zur selben Zeit dasselbe verändert.",
    "Sieh es dir noch einmal an und wiederhole dann, was du getan hast.",
  ),
  "rate-limited": text(
    "Es wurde zu viel auf einmal gefragt",
    "Der Server antwortet jedem nur so und so oft.",
    "Warte einen Augenblick und mache dann weiter.",
  ),
  "key-unusable": text(
    "Der Schlüssel der Datenbank ist nicht zu gebrauchen",
    "Andere können ihn lesen, oder es ist nicht der, mit dem die Geheimnisse in der Datenbank versiegelt wurden.",
    "Gib dem Server die Schlüsseldatei, mit der die Datenbank angelegt wurde, lesbar für niemanden sonst.",
  ),
  "runner-not-signed-up": text(
    "Der Runner hat sich noch nicht angemeldet",
    "Für einen Runner, der seinen Schlüssel noch nicht gezeigt hat, kann nichts versiegelt werden.",
    "Richte ihn mit einem Token von CreateRunnerToken ein und versuche es dann noch einmal.",
  ),
  "runner-in-use": text(
    "Der Runner wurde nicht gelöscht",
    "Auf ihm sind Umgebungen, die für alle verloren wären.",
    "Lösche sie zuerst, oder lösche den Runner mit force: true, damit die Verwaltung sie vergisst.",
  ),
  "secret-value-hidden": text(
    "Der Wert eines Geheimnisses wird nicht gezeigt",
    "Werte gehen nur an Umgebungen, nie zurück an eine Person oder ein Programm.",
    "Setze einen neuen Wert.",
  ),
  canceled: text("Es wurde abgebrochen", "Du wolltest es so.", "Nichts ging verloren; tue es wieder, wann du willst."),
  "argument-invalid": text("Die Eingabe wurde nicht angenommen", "Etwas darin hat die falsche Form.", "Prüfe, was du eingegeben hast."),
  internal: text("In Berth ging etwas schief", "Das ist unser Fehler.", "Bitte melde ihn mit dem Log."),
};
