import { expect, test } from "vitest";
import { autostartEntry } from "./login-item.ts";

test("the entry starts the program in the tray, whatever its path holds", () => {
  expect(autostartEntry("/opt/Berth/berth")).toContain('\nExec="/opt/Berth/berth" --hidden\n');
  expect(autostartEntry('/home/a "b" $c/100%.AppImage')).toContain(String.raw`Exec="/home/a \"b\" \$c/100%%.AppImage" --hidden`);
});
