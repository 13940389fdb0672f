import { z } from "zod";
import { must, type Product } from "./product.ts";

const outcomeSchema = z.looseObject({
  outcome: z.literal("success"),
  containerId: z.string(),
  remoteUser: z.string(),
  remoteWorkspaceFolder: z.string(),
});

/** What one can see of a dev container from inside. */
export interface Inside {
  readonly user: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** Prints what `Inside` holds; `paths` are read where they exist. */
function probe(paths: readonly string[]): string {
  return `id -un; pwd; echo; env -0; printf '\\0'; for f in ${paths.join(" ")}; do printf '%s=' "$f"; cat "$f" 2>/dev/null | tr '\\n' ' '; printf '\\0'; done`;
}

/** Variables that name the container, the connection or the shell, not the configuration. */
const ownVariables = new Set(["HOSTNAME", "_", "SHLVL", "PWD", "OLDPWD", "TERM", "SHELL", "HOME", "LS_COLORS"]);

function parse(text: string): Inside {
  const [head = "", rest = ""] = [text.slice(0, text.indexOf("\n\n")), text.slice(text.indexOf("\n\n") + 2)];
  const [user = "", folder = ""] = head.split("\n");
  const at = rest.indexOf("\0\0");
  const pairs = (part: string): Record<string, string> =>
    Object.fromEntries(
      part
        .split("\0")
        .filter((line) => line !== "")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  const env = Object.fromEntries(Object.entries(pairs(rest.slice(0, at))).filter(([name]) => !ownVariables.has(name)));
  return { user, folder, env, files: pairs(rest.slice(at + 2)) };
}

/** An environment of Berth, seen from inside. */
export function insideBerth(product: Product, name: string, paths: readonly string[]): Inside {
  return parse(must(product.berth("exec", name, "--", "sh", "-c", probe(paths))).stdout);
}

const asWorkUser = ["setpriv", "--reuid=berth", "--regid=berth", "--init-groups", "env", "HOME=/home/berth"];

/** The same repository brought up by the devcontainer CLI typed in the machine, seen from inside. */
export async function insideBare(product: Product, name: string, url: string, paths: readonly string[]): Promise<Inside> {
  const folder = `/data/bare/${name}`;
  const machine = async (...argv: readonly string[]) => must(await product.berthBeside("machine", "shell", "--", ...argv));
  await machine(
    "sh",
    "-c",
    `rm -rf "$2" && mkdir -p /data/bare && chown 1000:1000 /data/bare && ${asWorkUser.join(" ")} git clone --quiet "$1" "$2"`,
    "sh",
    url,
    folder,
  );
  const up = await machine(...asWorkUser, "devcontainer", "up", "--workspace-folder", folder);
  const outcome = outcomeSchema.parse(JSON.parse(up.stdout.trim().split("\n").at(-1) ?? ""));
  const seen = await machine(...asWorkUser, "devcontainer", "exec", "--workspace-folder", folder, "sh", "-c", probe(paths));
  await machine("docker", "rm", "--force", "--volumes", outcome.containerId);
  return { ...parse(seen.stdout), user: outcome.remoteUser, folder: outcome.remoteWorkspaceFolder };
}
