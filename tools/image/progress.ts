/** How often the count of a running step is shown: on a terminal in place, elsewhere as a line of its own. */
const terminalIntervalMs = 200;
const lineIntervalMs = 10_000;

/** What a step says about itself while it runs: `57 of 143 packages`. */
export type Report = () => Promise<string> | string;

export type Step = <T>(title: string, work: () => Promise<T>, report?: Report) => Promise<T>;

/** Steps with their times on stderr, after the name of the command whose they are. */
export function progress(command = "image"): Step {
  const terminal = process.stderr.isTTY;
  return async (title, work, report) => {
    const startedAtMs = performance.now();
    const show = async (): Promise<void> => {
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
      const detail = report === undefined ? "" : await report();
      const line = `${command}: ${title} … ${detail === "" ? "" : `${detail}, `}${seconds} s`;
      process.stderr.write(terminal ? `\r\u001B[K${line}` : `${line}\n`);
    };
    if (terminal) await show();
    const timer = setInterval(() => void show().catch(() => undefined), terminal ? terminalIntervalMs : lineIntervalMs);
    try {
      const result = await work();
      clearInterval(timer);
      process.stderr.write(
        `${terminal ? "\r\u001B[K" : ""}${command}: ${title}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s\n`,
      );
      return result;
    } catch (error) {
      if (terminal) process.stderr.write("\n");
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
}

/** One line that belongs to no step. */
export function say(text: string): void {
  process.stderr.write(`image: ${text}\n`);
}
