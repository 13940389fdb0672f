import { join } from "node:path";
import { rolldown } from "rolldown";

/** The agent as one file for the Node inside the machine. */
export async function bundleAgent(root: string): Promise<string> {
  const bundle = await rolldown({
    input: join(root, "src/guest/main.ts"),
    platform: "node",
    resolve: { mainFields: ["module", "main"] },
    logLevel: "warn",
    cwd: root,
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
  await bundle.close();
  return output[0].code;
}
