import { spawn } from "node:child_process";

/** A desktop's opener that has not ended by then has a window open, and is left to itself. */
const openerWaitMs = 3000;

/** Opens a link as the desktop does. Gives why it could not; undefined when it was opened. */
export async function openLink(
  url: string,
  { env, platform }: { readonly env: NodeJS.ProcessEnv; readonly platform: NodeJS.Platform },
): Promise<string | undefined> {
  if (platform !== "darwin" && (env["DISPLAY"] ?? "") === "" && (env["WAYLAND_DISPLAY"] ?? "") === "") return "there is no display here";
  const opener = platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(opener, [url], { stdio: "ignore", detached: true, env });
  const code = await new Promise<number | string | null>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
    setTimeout(() => resolve(0), openerWaitMs).unref();
  });
  child.unref();
  if (code === 0) return undefined;
  return code === "ENOENT" ? `${opener} is not installed` : `${opener} ended with ${code}: no program opens ${url.split(":")[0]} links`;
}
