import type { Browser } from "./browser.ts";
import type { SchemeServer } from "./scheme-server.ts";

type IpcHandler = (event: object, ...args: unknown[]) => unknown;

/** What a test sees of the app from outside: everything it would have shown through the system. */
export interface Records {
  readonly external: string[];
  readonly notifications: { title: string; body: string; click: () => void }[];
  readonly dialogs: { kind: "message" | "open"; options: unknown; answer: (value: unknown) => void }[];
  readonly shortcuts: Map<string, () => void>;
  badge: number;
  theme: string;
  loginItem: unknown;
}

/** What the stand-in's parts share; made once, by electron.ts. */
export interface Runtime {
  readonly browser: Promise<Browser>;
  readonly schemes: SchemeServer;
  readonly ipcHandlers: Map<string, IpcHandler>;
  readonly permissions: { check: (contents: unknown, permission: string, origin: string, details: object) => boolean };
  readonly records: Records;
  readonly fail: (error: unknown) => void;
}
