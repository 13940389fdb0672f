import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Programs and the window's page as people get them: bundled. */
export default function setup(): void {
  const root = join(import.meta.dirname, "../..");
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "tools/bundle.ts")], { cwd: root, stdio: "inherit" });
}
