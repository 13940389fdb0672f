import { spawn } from "node:child_process";

/** All files in an image carry this time, so that the same inputs give the same bytes. */
export const sourceDateEpoch = 1_767_225_600;
/** Of a failed program's output; the end says why. */
const shownOutputCharacters = 4000;

/** Runs a program to its end and gives its output; what it prints is shown only when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      ...process.env,
      SOURCE_DATE_EPOCH: String(sourceDateEpoch),
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      DEBIAN_FRONTEND: "noninteractive",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
  if (code !== 0) throw new Error(failure(program, code, Buffer.concat([...output, ...errors]).toString()));
  return Buffer.concat(output).toString();
}

function failure(program: string, code: number, output: string): string {
  const text = `${program} ended with ${code}:\n${output.slice(-shownOutputCharacters)}`;
  return /no space left on device/i.test(output) ? `the disk is full; free some space and try again\n${text}` : text;
}
