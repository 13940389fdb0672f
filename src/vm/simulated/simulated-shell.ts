import type { Pty, PtyEvents, PtyRequest, TerminalSize } from "../../lib/terminals/pty.ts";

const floodChunkBytes = 64 * 1024;
const floodLineLength = 100;
const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 1024, M: 1024 ** 2 };
const hungUpCode = 129;
const controlSequenceBegin = "\u001b[";
const pasteBegin = "\u001b[200~";
const pasteEnd = "\u001b[201~";

const help = [
  "echo WORDS      ls [-l]       pwd        cd FOLDER     size       env NAME",
  "cat N[k|M]      prints so many bytes     colors       title WORDS clear",
  "wait            until Ctrl+C  exit [N]",
];

export interface SimulatedShellPlace {
  readonly user: string;
  readonly host: string;
  readonly folder: string;
}

/**
 * A shell that a window cannot tell from a real one in what matters to it: echo, line editing, bracketed paste,
 * titles, colours, floods that can be held up and interrupted, exit codes.
 */
export class SimulatedShell implements Pty {
  readonly #events: PtyEvents;
  readonly #place: SimulatedShellPlace;
  readonly #env: Readonly<Record<string, string>>;
  #folder: string;
  #size: TerminalSize;
  #line = "";
  #pasting = false;
  /** What came while a command ran. */
  #typedAhead = "";
  #running: "nothing" | "flood" | "wait" = "nothing";
  #floodLeftBytes = 0;
  #floodLine = 0;
  #paused = false;
  #held = "";
  #ended = false;

  constructor(request: PtyRequest, place: SimulatedShellPlace, events: PtyEvents) {
    this.#events = events;
    this.#place = place;
    this.#env = { USER: place.user, TERM: "xterm-256color", ...request.env };
    this.#folder = request.workingDirectory.startsWith("/") ? request.workingDirectory : place.folder;
    this.#size = request.size;
    if (request.argv.length > 0) {
      this.#say(`${request.argv.join(" ")}\r\n`);
      this.#end(0);
    } else this.#prompt();
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.#running === "nothing") this.#type(Buffer.from(data).toString());
    else this.#whileRunning(Buffer.from(data).toString());
  }

  async resize(size: TerminalSize): Promise<void> {
    this.#size = size;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = "";
    if (held !== "") this.#events.onOutput(Buffer.from(held));
    if (this.#running === "flood") this.#flood();
  }

  hangUp(): void {
    this.#end(hungUpCode);
  }

  /** As when its container stops. */
  end(code: number): void {
    this.#end(code);
  }

  #say(text: string): void {
    if (this.#ended) return;
    if (this.#paused) this.#held += text;
    else this.#events.onOutput(Buffer.from(text));
  }

  #prompt(): void {
    const { user, host } = this.#place;
    const path = this.#folder.split("/").map(encodeURIComponent).join("/");
    const title = `\u001b]0;${user}@${host}: ${this.#folder}\u0007\u001b]7;file://${host}${path}\u0007`;
    this.#say(`\u001b[?2004h${title}\u001b[32m${user}@${host}\u001b[0m:\u001b[34m${this.#folder}\u001b[0m$ `);
    const ahead = this.#typedAhead;
    this.#typedAhead = "";
    if (ahead !== "") this.#type(ahead);
  }

  #whileRunning(text: string): void {
    const interrupt = text.lastIndexOf("\u0003");
    if (interrupt < 0) {
      this.#typedAhead += text;
      return;
    }
    this.#running = "nothing";
    this.#typedAhead = text.slice(interrupt + 1);
    this.#say("^C\r\n");
    this.#prompt();
  }

  #type(text: string): void {
    let rest = text;
    while (rest !== "" && !this.#ended) {
      if (this.#running !== "nothing") {
        this.#typedAhead += rest;
        return;
      }
      const marker = this.#pasting ? pasteEnd : pasteBegin;
      if (rest.startsWith(marker)) {
        this.#pasting = !this.#pasting;
        rest = rest.slice(marker.length);
        continue;
      }
      const sequence = rest.startsWith(controlSequenceBegin) ? /^.\[[0-9;]*[A-Za-z~]/.exec(rest)?.[0] : undefined;
      const key = sequence ?? [...rest.slice(0, 2)][0] ?? "";
      rest = rest.slice(key.length);
      if (sequence === undefined) this.#key(key);
    }
  }

  #key(key: string): void {
    if (this.#pasting) {
      this.#line += key === "\r" ? "\n" : key;
      this.#say(key === "\r" || key === "\n" ? "\r\n" : key);
    } else if (key === "\r" || key === "\n") {
      const line = this.#line;
      this.#line = "";
      this.#say("\r\n");
      this.#run(line);
    } else if (key === "\u007f" || key === "\b") {
      if (this.#line !== "") this.#say("\b \b");
      this.#line = [...this.#line].slice(0, -1).join("");
    } else if (key === "\u0003") {
      this.#line = "";
      this.#say("^C\r\n");
      this.#prompt();
    } else if (key === "\u0004") {
      if (this.#line === "") this.#end(0);
    } else {
      this.#line += key;
      this.#say(key);
    }
  }

  #run(line: string): void {
    const [command = "", ...words] = line
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
    if (command === "cat") return this.#startFlood(words[0] ?? "");
    if (command === "wait") {
      this.#running = "wait";
      return;
    }
    if (command === "exit") {
      this.#say("exit\r\n");
      return this.#end(Number(words[0] ?? 0) || 0);
    }
    if (command === "cd") this.#folder = folderFrom(this.#folder, words[0] ?? this.#place.folder);
    const output = this.#outputOf(command, words);
    if (output !== "") this.#say(`${output.replaceAll("\n", "\r\n")}\r\n`);
    this.#prompt();
  }

  #outputOf(command: string, words: readonly string[]): string {
    switch (command) {
      case "":
      case "cd":
        return "";
      case "echo":
        return words.join(" ");
      case "pwd":
        return this.#folder;
      case "ls":
        return words[0] === "-l"
          ? "-rw-r--r-- 1 vscode vscode 120 README.md\ndrwxr-xr-x 2 vscode vscode 4096 src"
          : "README.md  \u001b[1;34msrc\u001b[0m";
      case "size":
        return `${this.#size.rows} ${this.#size.columns}`;
      case "env":
        return this.#env[words[0] ?? ""] ?? "";
      case "title":
        return `\u001b]2;${words.join(" ")}\u001b\\`;
      case "clear":
        return "\u001b[2J\u001b[H";
      case "colors":
        return Array.from({ length: 16 }, (_, i) => `\u001b[48;5;${i}m  \u001b[0m`).join("");
      case "help":
        return help.join("\n");
      default:
        return `${command}: command not found`;
    }
  }

  #startFlood(amount: string): void {
    const [, number, unit = ""] = /^(\d+)([kM]?)$/.exec(amount) ?? [];
    if (number === undefined) {
      this.#say(`cat: ${amount}: No such file or directory\r\n`);
      return this.#prompt();
    }
    this.#floodLeftBytes = Number(number) * (unitBytes[unit] ?? 1);
    this.#floodLine = 0;
    this.#running = "flood";
    this.#flood();
  }

  /** A piece at a time, so that other terminals and the agent have their turns between. */
  #flood(): void {
    if (this.#running !== "flood" || this.#paused || this.#ended) return;
    let chunk = "";
    while (chunk.length < Math.min(floodChunkBytes, this.#floodLeftBytes))
      chunk += `${String(++this.#floodLine).padStart(8, "0")} ${"abcdefghij".repeat(9)}`.slice(0, floodLineLength - 2).concat("\r\n");
    chunk = chunk.slice(0, this.#floodLeftBytes);
    this.#floodLeftBytes -= chunk.length;
    this.#say(chunk);
    if (this.#floodLeftBytes > 0) setImmediate(() => this.#flood());
    else {
      this.#running = "nothing";
      this.#prompt();
    }
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#running = "nothing";
    this.#events.onExit(code);
  }
}

function folderFrom(folder: string, target: string): string {
  if (target.startsWith("/")) return target;
  const parts = folder.split("/").filter((part) => part !== "");
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
