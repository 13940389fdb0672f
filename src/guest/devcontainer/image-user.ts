import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { DockerApi, Image } from "../docker-api.ts";
import type { DevcontainerConfig } from "./config.ts";

const maxPasswdBytes = 1024 * 1024;
const metadataEntrySchema = z.looseObject({ remoteUser: z.string().optional(), containerUser: z.string().optional() });

/**
 * Whether the user that a configuration's container will work as has this number, and its group too, as far as that can
 * be read before there is a container: the image is here, and nothing else decides on the user. False where it is not known.
 */
export async function imageUserIs(id: number, config: DevcontainerConfig, docker: DockerApi): Promise<boolean> {
  if (config.image === undefined || Object.keys(config.features ?? {}).length > 0 || (config.runArgs ?? []).length > 0) return false;
  const image = await docker.inspectImage(config.image);
  if (image === undefined) return false;
  const label = image.Config.Labels["devcontainer.metadata"];
  const name =
    config.remoteUser ??
    metadataUser(label, "remoteUser") ??
    config.containerUser ??
    metadataUser(label, "containerUser") ??
    image.Config.User;
  const user = userOf(name, await readPasswd(image));
  return user?.uid === id && user.gid === id;
}

/** Numbers of a user of a passwd file (passwd(5)). */
function userOf(name: string, passwd: string): { readonly uid: number; readonly gid: number } | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name && name !== "" && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** The topmost of the image's layers that has a passwd file has the one that counts. */
async function readPasswd(image: Image): Promise<string> {
  const { UpperDir: upper, LowerDir: lower } = image.GraphDriver?.Data ?? { UpperDir: "", LowerDir: "" };
  for (const layer of [upper, ...lower.split(":")]) {
    if (layer === "") continue;
    // An image is anybody's: a link in it would lead to the machine's own files.
    const folder = await lstat(join(layer, "etc")).catch(() => undefined);
    if (folder === undefined) continue;
    if (!folder.isDirectory()) return "";
    const path = join(layer, "etc/passwd");
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    return found.isFile() && found.size <= maxPasswdBytes ? readRegularFile(path) : "";
  }
  return "";
}

async function readRegularFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** The last such user of the metadata that the devcontainer CLI writes on images and containers: an object or a list of them. */
export function metadataUser(label: string | undefined, key: "remoteUser" | "containerUser"): string | undefined {
  try {
    const entries: unknown = JSON.parse(label ?? "[]");
    return (Array.isArray(entries) ? entries : [entries]).flatMap((entry) => metadataEntrySchema.safeParse(entry).data?.[key] ?? []).at(-1);
  } catch {
    return undefined;
  }
}
