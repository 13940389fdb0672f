import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The app as it is now is what is tested. */
export default function setup(): void {
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "../../../tools/build-desktop.ts")], {
    stdio: "inherit",
  });
}
