import { z } from "zod";

/** Of 32 bytes. */
const base64Length = 44;

/** The first message of the app to the host that it starts: with what the host seals sign-ins to planes. */
export const hostKeychainSchema = z.object({
  kind: z.literal("keychain"),
  /** Electron's name for what keeps the key; another system's where Electron has none. */
  backend: z.string(),
  /** 32 bytes. Absent where no keychain keeps it, and so no sign-in may outlive the host. */
  key: z.base64().length(base64Length).optional(),
});

export type HostKeychain = z.infer<typeof hostKeychainSchema>;
