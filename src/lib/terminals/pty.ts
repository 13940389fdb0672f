export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A program on a pseudo-terminal, wherever it runs. */
export interface Pty {
  /** Resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  /** Stops reading its output, which holds the program up once its buffers are full. */
  pause(): void;
  resume(): void;
  /** Ends it as a closed window does, by force when it does not heed that. */
  hangUp(): void;
}

export interface PtyEvents {
  onOutput(data: Uint8Array): void;
  /** Called once, after the last output. */
  onExit(code: number): void;
}

export interface PtyRequest {
  readonly environmentId: string;
  /** Empty: the user's login shell. */
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size: TerminalSize;
}

export type StartPty = (request: PtyRequest, events: PtyEvents) => Promise<Pty>;
