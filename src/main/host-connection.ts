import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";

/** The one HTTP/2 session over which the window's calls reach the host's socket. */
export class HostConnection {
  readonly #socketPath: string;
  #session: ClientHttp2Session | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Whether a host answers; opens the session when none is open. */
  async open(): Promise<boolean> {
    if (this.#session !== undefined) return true;
    const session = connectHttp2("http://berth", { createConnection: () => connect(this.#socketPath) });
    const opened = await new Promise<boolean>((resolve) => {
      session.once("connect", () => resolve(true));
      session.once("close", () => resolve(false));
      // `close` follows every error; without a listener an error would end the app.
      session.on("error", () => undefined);
    });
    if (!opened || session.closed) return false;
    this.#session = session;
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    session.once("close", forget);
    // A host that ends takes no new calls, though it still answers the last ones.
    session.once("goaway", forget);
    return true;
  }

  /** Resolves when the session that is open now has ended; at once when none is. */
  async whenClosed(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    await new Promise<void>((resolve) => session.once("close", () => resolve()));
  }

  /** Begins a call; nothing when no session is open. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream | undefined {
    const session = this.#session;
    return session === undefined || session.closed || session.destroyed ? undefined : session.request(headers);
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
  }
}
