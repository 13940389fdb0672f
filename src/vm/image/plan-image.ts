import type { ImageState, ImageVersion } from "./image-state.ts";

/** Starts that a new image gets before the one before it comes back. */
export const maxImageTries = 2;
/** Of disks that are older than `image.json`: there was only one schema then. */
const firstDataSchema = 1;

/** What is known of a machine that is off. */
export interface ImageFacts {
  readonly state: ImageState | undefined;
  /** What came with this version of Berth. */
  readonly offered: ImageVersion | undefined;
  readonly diskExists: boolean;
  /** Whether the files of the active image can be had. */
  readonly activeIsThere: boolean;
}

export type ImageStep =
  /** No image at all can be had. */
  | { readonly kind: "missing" }
  /** The disk is of a newer schema than what is offered. */
  | { readonly kind: "refuse-downgrade"; readonly diskSchema: number; readonly imageSchema: number }
  /** Becomes active without a trial, because there is nothing to fall back to. */
  | { readonly kind: "begin"; readonly image: ImageVersion }
  /** Becomes the candidate; with `diskCopy`, after the data disk was copied under this name. */
  | { readonly kind: "try"; readonly image: ImageVersion; readonly diskCopy: string | undefined }
  /** The candidate goes, the disk's copy comes back; `refused`: it had its tries. */
  | { readonly kind: "fall-back"; readonly refused: boolean }
  /** Boots the candidate, which costs it a try. */
  | { readonly kind: "boot-candidate"; readonly image: ImageVersion }
  | { readonly kind: "boot"; readonly image: ImageVersion };

/** The next step on the way to a start; after all but the boots it is asked again. Pure. */
export function planImage({ state, offered, diskExists, activeIsThere }: ImageFacts): ImageStep {
  const active = activeIsThere ? state?.active : undefined;
  if (!diskExists) return planNewMachine(state, offered, active);
  if (state?.candidate !== undefined) return planTrial(state.candidate, offered, active);
  if (offered === undefined) return active === undefined ? { kind: "missing" } : { kind: "boot", image: active };
  const diskSchema = state?.dataSchema ?? firstDataSchema;
  if (offered.dataSchema < diskSchema) return { kind: "refuse-downgrade", diskSchema, imageSchema: offered.dataSchema };
  if (active !== undefined && [active.identity, state?.refused?.identity].includes(offered.identity))
    return { kind: "boot", image: active };
  if (active === undefined && offered.dataSchema === diskSchema) return { kind: "begin", image: offered };
  return { kind: "try", image: offered, diskCopy: offered.dataSchema > diskSchema ? String(diskSchema) : undefined };
}

function planNewMachine(state: ImageState | undefined, offered: ImageVersion | undefined, active: ImageVersion | undefined): ImageStep {
  const image = offered ?? active;
  if (image === undefined) return { kind: "missing" };
  const begun = state?.candidate === undefined && state?.active?.identity === image.identity && state.dataSchema === image.dataSchema;
  return begun ? { kind: "boot", image } : { kind: "begin", image };
}

function planTrial(
  candidate: NonNullable<ImageState["candidate"]>,
  offered: ImageVersion | undefined,
  active: ImageVersion | undefined,
): ImageStep {
  const boot = { kind: "boot-candidate", image: { identity: candidate.identity, dataSchema: candidate.dataSchema } } as const;
  if (offered !== undefined && offered.identity !== candidate.identity) return { kind: "fall-back", refused: false };
  // Without an image to go back to it is tried on and on, and the copy of the disk kept.
  if (active === undefined) return boot;
  return candidate.triesLeft > 0 ? boot : { kind: "fall-back", refused: true };
}
