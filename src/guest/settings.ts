import { readFileSync } from "node:fs";

/** Where the agent finds things in its machine. */
export interface GuestSettings {
  /** A character device, or `unix:/path` for a socket to listen on. */
  readonly port: string;
  readonly linkKeyFile: string;
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
  return {
    port: env["BERTH_PORT"] ?? "/dev/virtio-ports/berth.agent.0",
    linkKeyFile: env["BERTH_LINK_KEY_FILE"] ?? "/run/berth/link-key",
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
