import { rm } from "node:fs/promises";
import { join } from "node:path";

/** electron-builder's hook before signing: Electron's own default app has no place in ours. */
export async function afterPack(context: {
  readonly appOutDir: string;
  readonly electronPlatformName: string;
  readonly packager: { readonly appInfo: { readonly productFilename: string } };
}): Promise<void> {
  const { appOutDir, electronPlatformName, packager } = context;
  const resources = electronPlatformName === "darwin" ? `${packager.appInfo.productFilename}.app/Contents/Resources` : "resources";
  await rm(join(appOutDir, resources, "default_app.asar"), { force: true });
}
