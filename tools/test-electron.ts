import { spawnSync } from "node:child_process";
import { electronPath } from "./electron.mjs";

/** `npm run test:electron`: the suite of the shell under real Electron; it fails where its binary is not. */
const electron = electronPath();
if (electron === undefined) {
  process.stderr.write("Electron's binary is not here; without it the suite runs on the stand-in: npm run test:shell\n");
  process.exit(1);
}
const { status } = spawnSync("vitest", ["run", "--project", "shell"], {
  stdio: "inherit",
  env: { ...process.env, BERTH_ELECTRON: electron },
});
process.exit(status ?? 1);
