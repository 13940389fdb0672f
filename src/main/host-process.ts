import { utilityProcess } from "electron";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { HostKeychain } from "../contract/host-keychain.ts";
import type { HostProcess } from "./host-supervisor.ts";

const lastWordsBytes = 2000;

/** Where the parts are that lie beside the archive, because other programs run or map them. */
export function hostEnvironment(env: NodeJS.ProcessEnv, resourcesFolder: string | undefined): NodeJS.ProcessEnv {
  if (resourcesFolder === undefined) return env;
  const images = join(resourcesFolder, "images");
  const tools = join(resourcesFolder, "vm", "bin");
  return {
    ...env,
    // A Node of its own for ssh's proxy and the command line: the app's binary cannot be one.
    BERTH_PROGRAMS: join(resourcesFolder, "programs"),
    ...(existsSync(images) ? { BERTH_IMAGES: images } : {}),
    ...(existsSync(tools) ? { PATH: `${tools}${delimiter}${env["PATH"] ?? ""}` } : {}),
  };
}

/** Starts the host as a process of Electron, which ends with the app however the app ends. */
export function startHostProcess(modulePath: string, env: NodeJS.ProcessEnv, keychain: Promise<HostKeychain>): HostProcess {
  const child = utilityProcess.fork(modulePath, [], { serviceName: "Berth host", stdio: "pipe", env });
  // By a message, which no other program sees: arguments and environments of processes are in the system's lists.
  void keychain.then((message) => child.postMessage(message));
  let words = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (words = (words + chunk.toString("utf8")).slice(-lastWordsBytes)));
  return {
    exited: new Promise((resolve) => child.once("exit", resolve)),
    lastWords: () => words.trim(),
    kill: () => void child.kill(),
  };
}
