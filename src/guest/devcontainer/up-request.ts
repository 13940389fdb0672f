import type { SecretFile } from "./secret-files.ts";

/** What the host wants of a dev container. */
export interface UpRequest {
  readonly session: string;
  readonly configPath: string;
  readonly rebuild: boolean;
  readonly noCache: boolean;
  readonly defaultImage: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly secretFiles: readonly SecretFile[];
  readonly dotfilesRepository: string;
  /** 0 is no limit. */
  readonly timeoutMs: number;
  readonly registryCredentials: readonly { readonly host: string; readonly username: string; readonly password: string }[];
}

/** What is tried to fulfil it. */
export interface Attempt {
  readonly configPath: string;
  readonly configHash: string;
  readonly generated: boolean;
  readonly recovery: boolean;
  /** Its user has the work user's number already, and so owns the working copy. */
  readonly userIsWorkUser: boolean;
}
