/** Shells tell a program that a signal ended by this plus the signal's number. */
const signalExitBase = 128;
const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

type EndingSignal = keyof typeof signalNumbers;

/** Thrown when a person ended a command by Ctrl-C; whoever catches it has said what goes on without it. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitCode: number;

  constructor(signal: EndingSignal) {
    super(`ended by ${signal}`);
    this.exitCode = signalExitBase + signalNumbers[signal];
  }
}

/** Gives work a signal that Ctrl-C and SIGTERM abort, and fails with `Interrupted` then. A second Ctrl-C ends at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const end = (name: EndingSignal): void => {
    const interrupted = new Interrupted(name);
    if (controller.signal.aborted) process.exit(interrupted.exitCode);
    controller.abort(interrupted);
  };
  const onInt = (): void => end("SIGINT");
  const onTerm = (): void => end("SIGTERM");
  process.on("SIGINT", onInt);
  process.on("SIGTERM", onTerm);
  try {
    return await work(controller.signal);
  } catch (error) {
    // What an aborted call fails with says less than why it was aborted.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    process.off("SIGINT", onInt);
    process.off("SIGTERM", onTerm);
  }
}
