import { expect, test } from "vitest";
import { VzMachineFolder } from "./machine-folder.ts";

/** As long as the folder of sockets may be, see `berthPaths`. */
const runFolder = `/${"r".repeat(67)}/m`;
const folderOf = (id: string) => new VzMachineFolder({ machinesFolder: "/machines", runFolder, id });

test("a machine's sockets fit into a path, however long its id is", () => {
  const folders = ["default", "env-0c5e9f7a1b2c", "env-0c5e9f7a1b2d", "template-0123456789abcdef0123456"].map(
    (id) => folderOf(id).runFolder,
  );
  expect(new Set(folders).size).toBe(4);
  expect(folders[0]).toBe(`${runFolder}/default`);
  for (const folder of folders) expect(folder.length).toBeLessThanOrEqual(runFolder.length + 9);
});
