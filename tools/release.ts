import { createHash, createPrivateKey, sign } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/**
 * `node tools/release.ts stable|beta`: writes release.json and its signature beside the packages in dist/package.
 * BERTH_RELEASE_KEY names the file of the private key (openssl genpkey -algorithm ed25519).
 */
const root = join(import.meta.dirname, "..");
const folder = join(root, "dist/package");
const channel = z.enum(["stable", "beta"]).parse(process.argv[2]);
const key = createPrivateKey(readFileSync(z.string().parse(process.env["BERTH_RELEASE_KEY"])));
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
const files = readdirSync(folder)
  .filter((name) => /\.(?:AppImage|deb|dmg|zip|tar\.gz)$/.test(name))
  .map((name) => ({
    name,
    sha512: createHash("sha512")
      .update(readFileSync(join(folder, name)))
      .digest("base64"),
  }));
const content = Buffer.from(`${JSON.stringify({ product: "berth", channel, version, files }, null, 2)}\n`);
writeFileSync(join(folder, "release.json"), content);
writeFileSync(join(folder, "release.json.sig"), sign(null, content, key));
