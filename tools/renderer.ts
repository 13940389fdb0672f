import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { collectLicences } from "./licences.ts";

/** Builds the window's page, and the licences it shows, into a folder. Fails when something in it would need Node. */
export async function buildRenderer(root: string, outFolder: string): Promise<void> {
  // A test that builds says NODE_ENV=test, which would put React's development code and our paths into the page.
  process.env["NODE_ENV"] = "production";
  await build({
    configFile: false,
    root: join(root, "src/renderer"),
    cacheDir: join(root, ".cache/vite"),
    logLevel: "warn",
    plugins: [react(), tailwindcss(), refuseNode()],
    build: {
      outDir: outFolder,
      emptyOutDir: true,
      target: "es2024",
      // Inlined files would be data: addresses, which the content security policy keeps out.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2048,
    },
  });
  writeFileSync(join(outFolder, "licences.json"), JSON.stringify(collectLicences(root)));
}

/** Vite puts an empty module in the place of one of Node's; that is a fault here, not a wish. */
function refuseNode() {
  return {
    name: "berth:refuse-node",
    enforce: "pre" as const,
    resolveId(source: string, importer: string | undefined) {
      if (source.startsWith("node:")) throw new Error(`${importer ?? "the window"} needs ${source}, which browsers do not have`);
      return null;
    },
  };
}
