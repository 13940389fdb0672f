import { readFileSync } from "node:fs";
import { linkKeyBytes } from "../lib/link.ts";

/** Where the agent finds things in its machine. */
export interface GuestSettings {
  /** A character device, or `unix:/path` for a socket to listen on. */
  readonly port: string;
  readonly linkKey: Uint8Array;
  /** Mount point of the data disk. */
  readonly dataFolder: string;
  /** Volatile files: sockets, keys, secrets. */
  readonly runFolder: string;
  readonly imageSha256: string;
  readonly dockerSocket: string;
  readonly defaultImageArchive: string;
}

/** Numeric user and group that own working copies and run git and the devcontainer CLI. */
export const workUserId = 1000;
/** The same as a name, which the machine image defines. */
export const workUserName = "berth";
/** The dev container image of repositories that configure none. */
export const defaultDevcontainerImage = "berth/devcontainer:13";
/** The label that ties a container to its environment. */
export const environmentLabel = "berth.environment";

/** Reads the settings from the environment that the machine's init gives. */
export function readSettings(env: NodeJS.ProcessEnv): GuestSettings {
  const linkKey = readFileSync(env["BERTH_LINK_KEY_FILE"] ?? "/run/berth/link-key");
  if (linkKey.length !== linkKeyBytes) throw new Error(`the link key has ${linkKey.length} bytes instead of ${linkKeyBytes}`);
  return {
    port: env["BERTH_PORT"] ?? "/dev/virtio-ports/berth.agent.0",
    linkKey,
    dataFolder: env["BERTH_DATA"] ?? "/data",
    runFolder: env["BERTH_RUN"] ?? "/run/berth",
    imageSha256: env["BERTH_IMAGE_SHA256"] ?? readOptional("/usr/share/berth/image-sha256"),
    dockerSocket: env["BERTH_DOCKER_SOCKET"] ?? "/var/run/docker.sock",
    defaultImageArchive: env["BERTH_DEFAULT_IMAGE"] ?? "/usr/share/berth/devcontainer-image.tar",
  };
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
