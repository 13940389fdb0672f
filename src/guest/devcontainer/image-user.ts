import { z } from "zod";
import type { Container, DockerApi, Image } from "../docker-api.ts";
import type { DevcontainerConfig } from "./config.ts";
import { readUser } from "./passwd.ts";

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
  return imageGives(id, name, image);
}

/** Whether an image has a user of this name with this number, and its group too. */
export async function imageGives(id: number, userName: string, image: Image): Promise<boolean> {
  const { UpperDir: upper, LowerDir: lower } = image.GraphDriver?.Data ?? { UpperDir: "", LowerDir: "" };
  const user = await readUser(userName, [upper, ...lower.split(":")]);
  return user?.uid === id && user.gid === id;
}

/** Whether a container, as it is now, has a user of this name with another number or group. */
export async function containerDiffers(id: number, userName: string, container: Container): Promise<boolean> {
  const user = await readUser(userName, [container.GraphDriver?.Data?.MergedDir ?? ""]);
  return user !== undefined && (user.uid !== id || user.gid !== id);
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
