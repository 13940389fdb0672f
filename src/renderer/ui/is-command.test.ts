import { expect, test } from "vitest";
import { isCommand } from "./is-command.ts";

test.each([
  ["sudo apt-get install passt", true],
  ["npm run image", true],
  ["sudo usermod -aG kvm $USER", true],
  ["berth machine shell -- docker system prune, or delete environments you no longer need", false],
  ["berth machine status --console tells more; berth machine start tries again", false],
  ["Close programs, or use a computer with more memory: the machine takes half of it", false],
  ["", false],
])("%j is a command to copy: %j", (fix, is) => {
  expect(isCommand(fix)).toBe(is);
});
