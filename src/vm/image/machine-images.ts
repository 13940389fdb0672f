import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import type { ErrorCode } from "../../contract/error-catalogue.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { withoutControls } from "../../lib/terminals/osc-scanner.ts";
import type { MachineDriver, MachineImage } from "../driver.ts";
import { type ImageState, type ImageVersion, readImageState, writeImageState } from "./image-state.ts";
import type { ImageSource } from "./image-store.ts";
import { type ImageFacts, type ImageStep, maxImageTries, planImage } from "./plan-image.ts";

/** A guest that hangs while it boots has nothing to lose by then. */
const endGraceMs = 5000;
const maxWarningLength = 300;
/** Failures that say something about an image; any other, e.g. a full disk, costs it no try. */
const imageFaults: ReadonlySet<ErrorCode> = new Set([
  "machine-boot-failed",
  "machine-crashed",
  "hypervisor-failed",
  "data-migration-failed",
  "data-schema-too-new",
  "image-corrupt",
  "image-missing",
]);

/** Changes that last, in the order in which an upgrade or its failure makes them. */
export const upgradeSteps = [
  "import-begun",
  "disk-copied",
  "candidate-noted",
  "try-counted",
  "came-up",
  "good-noted",
  "copies-dropped",
  "old-images-removed",
  "failure-seen",
  "disk-restored",
  "fallback-noted",
] as const;
export type UpgradeStep = (typeof upgradeSteps)[number];

/** What the agent says when it answers first. It is not trusted: it can spoil its own machine's upgrade and no more. */
export interface BootReport {
  readonly imageSha256: string;
  readonly dataSchema: number;
  readonly dockerReady: boolean;
  readonly warnings: readonly string[];
}

/** What people are told. */
export interface ImageView {
  readonly active: string;
  readonly previous: string;
  readonly candidate: string;
  readonly triesLeft: number;
  readonly offered: string;
  readonly sizeBytes: number;
  /** Why the machine does not run what is offered; empty when it does. */
  readonly warning: string;
  readonly fix: string;
}

export interface MachineImagesOptions {
  readonly machineId: string;
  readonly machinesFolder: string;
  readonly source: ImageSource;
  readonly driver: MachineDriver;
  readonly log: Log;
  readonly now: () => number;
  /** For tests: told after each change that lasts. */
  readonly onStep?: (step: UpgradeStep) => void;
}

/**
 * Decides which image a machine boots, and keeps what it must know for that in the machine's folder. A new image is
 * tried; when its agent and dockerd come up it is good, else the one before it comes back, with the data disk as it
 * was when the new one would have changed its schema. Every step can be repeated after the host was killed.
 */
export class MachineImages {
  readonly #options: MachineImagesOptions;
  readonly #statePath: string;
  /** Why what is offered was not tried at the last start. */
  #postponed = "";
  /** The start that goes on has cost the candidate a try. */
  #counted = false;
  #view: Promise<ImageView> | undefined;

  constructor(options: MachineImagesOptions) {
    this.#options = options;
    this.#statePath = imageStatePath(options.machinesFolder, options.machineId);
  }

  /**
   * The image of the start that follows, or of the machine that runs. Fails with `image-missing`, `image-corrupt`,
   * `data-schema-too-new`, `upgrade-needs-space` or `image-download-failed`.
   */
  async next(signal: AbortSignal): Promise<MachineImage> {
    this.#view = undefined;
    this.#counted = false;
    const { source, driver, machineId } = this.#options;
    const status = await driver.inspect(machineId);
    // A suspended machine is continued on its own image: another one would boot, and lose what ran.
    if (status.state === "running" || status.state === "paused" || (status.state === "off" && status.suspended !== undefined)) {
      const running = await this.#running();
      if (running !== undefined) return running;
    }
    this.#postponed = "";
    const offered = await this.#offered(signal);
    for (;;) {
      signal.throwIfAborted();
      const step = planImage(await this.#facts(offered, status.state !== "absent"));
      const image = await this.#carryOut(step, signal);
      if (image !== undefined) return source.open(image.identity);
    }
  }

  /**
   * Called with what the agent of a machine says first, before the machine counts as ready: nothing that a person
   * does may happen on an image that can still fall back. Fails while the machine is not good yet, and with
   * `data-schema-too-new` or `data-migration-failed` when it will not be.
   */
  async judge(report: BootReport): Promise<void> {
    const state = await this.#read();
    const image = state?.candidate ?? state?.active;
    if (state === undefined || image === undefined) return;
    if (report.dataSchema > image.dataSchema)
      throw new BerthError(
        "data-schema-too-new",
        `the disk has schema ${report.dataSchema}, and the image ${short(image.identity)} knows ${image.dataSchema}`,
      );
    if (state.candidate === undefined) return;
    if (report.imageSha256 !== image.identity)
      throw new Error(`the machine runs ${short(report.imageSha256)} and not ${short(image.identity)}`);
    if (report.dataSchema < image.dataSchema)
      throw new BerthError("data-migration-failed", wordsOf(report) ?? `the disk still has schema ${report.dataSchema}`);
    if (!report.dockerReady) throw new Error("dockerd is not up yet");
    this.#step("came-up");
    await this.#markGood(state, state.candidate);
  }

  /**
   * Called when a start failed. True: it was the new image's, the machine is off, and another start shall follow.
   * A start that was `givenUp` or failed for another reason costs no try.
   */
  async failed(error: unknown, { givenUp }: { readonly givenUp: boolean }): Promise<boolean> {
    this.#view = undefined;
    const { driver, machineId, log } = this.#options;
    const end = async (): Promise<void> => driver.shutdown(machineId, { graceMs: endGraceMs, signal: new AbortController().signal });
    const state = await this.#read();
    if (state?.candidate === undefined) {
      // On a disk that it does not know the machine is of no use, and in the way of another image.
      if (error instanceof BerthError && error.code === "data-schema-too-new") await end();
      return false;
    }
    const { candidate } = state;
    if (givenUp || !(error instanceof BerthError) || !imageFaults.has(error.code)) {
      if (this.#counted)
        await this.#write({ ...state, candidate: { ...candidate, triesLeft: Math.min(maxImageTries, candidate.triesLeft + 1) } });
      return false;
    }
    log.warn("the new machine image did not come up", { image: short(candidate.identity), reason: messageOf(error) });
    this.#step("failure-seen");
    // Without an image to go back to the failure is the machine's, and a person is told of it.
    if (candidate.triesLeft === 0 && !(await this.#isThere(state.active))) return false;
    await end();
    if (candidate.triesLeft === 0) await this.#fallBack(state, error.message);
    return true;
  }

  /** An image that did not come up may be tried once more, at the next start. */
  async retry(): Promise<void> {
    const state = await this.#read();
    if (state?.refused !== undefined) await this.#write({ ...state, refused: undefined });
    this.#view = undefined;
  }

  /** As it was at the last change that this host made. */
  async view(): Promise<ImageView> {
    this.#view ??= this.#look();
    return this.#view;
  }

  /** As it is now: another image may have been built meanwhile. */
  async look(): Promise<ImageView> {
    this.#view = undefined;
    return this.view();
  }

  /** Whether a boot would be of another image than the one that runs. */
  async isNewOffered(): Promise<boolean> {
    const { offered, active, warning } = await this.look();
    return offered !== "" && active !== "" && offered !== active && warning === "";
  }

  async #running(): Promise<MachineImage | undefined> {
    const state = await this.#read();
    const version = state?.candidate ?? state?.active;
    return version === undefined ? undefined : this.#options.source.open(version.identity);
  }

  /** A machine that has an image does not depend on another one that cannot be had. */
  async #offered(signal: AbortSignal): Promise<ImageVersion | undefined> {
    const { source } = this.#options;
    try {
      await source.fetch(signal);
      return await source.offered();
    } catch (error) {
      if (signal.aborted || !(await this.#isThere((await this.#read())?.active))) throw error;
      this.#options.log.warn("the machine image that is offered cannot be used", { reason: messageOf(error) });
      return undefined;
    }
  }

  async #facts(offered: ImageVersion | undefined, diskExists: boolean): Promise<ImageFacts> {
    const state = await this.#read();
    return { state, offered, diskExists, activeIsThere: await this.#isThere(state?.active) };
  }

  async #isThere(image: ImageVersion | undefined): Promise<boolean> {
    return image !== undefined && this.#options.source.isThere(image.identity);
  }

  /** Gives the image when the step is a boot. */
  async #carryOut(step: ImageStep, signal: AbortSignal): Promise<ImageVersion | undefined> {
    const state = (await this.#read()) ?? { formatVersion: 1, dataSchema: 1 };
    switch (step.kind) {
      case "missing":
        throw new BerthError("image-missing", "there is neither one that came with Berth nor one that the machine ran before");
      case "refuse-downgrade":
        throw new BerthError(
          "data-schema-too-new",
          `the disk has schema ${step.diskSchema}, and this version of Berth knows ${step.imageSchema}`,
        );
      case "begin":
        await this.#write({ formatVersion: 1, active: step.image, dataSchema: step.image.dataSchema });
        return undefined;
      case "try":
        return this.#begin(state, step, signal);
      case "fall-back":
        await this.#fallBack(state, step.refused ? "it did not come up" : undefined);
        return undefined;
      case "boot-candidate":
        if (state.candidate !== undefined && state.candidate.triesLeft > 0) {
          await this.#write({ ...state, candidate: { ...state.candidate, triesLeft: state.candidate.triesLeft - 1 } });
          this.#counted = true;
          this.#step("try-counted");
        }
        return step.image;
      case "boot":
        // A host was killed between the last upgrade's end and its tidying.
        if (state.previous !== undefined) await this.#disk().dropCopies();
        return step.image;
    }
  }

  async #begin(
    state: ImageState,
    { image, diskCopy }: ImageStep & { kind: "try" },
    signal: AbortSignal,
  ): Promise<ImageVersion | undefined> {
    try {
      if (diskCopy !== undefined) await this.#disk().copy(diskCopy, signal);
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== "upgrade-needs-space" || state.active === undefined) throw error;
      this.#options.log.warn("the machine is not brought to the new version", { reason: error.detail });
      this.#postponed = error.detail;
      return state.active;
    }
    if (diskCopy !== undefined) this.#step("disk-copied");
    const candidate = { ...image, triesLeft: maxImageTries, ...(diskCopy === undefined ? {} : { diskCopy }) };
    await this.#write({ ...state, candidate, refused: undefined });
    this.#step("candidate-noted");
    return undefined;
  }

  /** First the disk: until the state says so too, the next host falls back again, which finds no copy any more. */
  async #fallBack(state: ImageState, reason: string | undefined): Promise<void> {
    const { candidate } = state;
    if (candidate === undefined) return;
    if (candidate.diskCopy !== undefined) {
      await this.#disk().restore(candidate.diskCopy);
      this.#step("disk-restored");
    }
    const { identity, dataSchema } = candidate;
    const refused = reason === undefined ? undefined : { identity, dataSchema, atMs: this.#options.now(), reason };
    await this.#write({ ...state, candidate: undefined, refused });
    this.#options.log.warn("the machine goes back to the image before", { image: short(state.active?.identity ?? "") });
    this.#step("fallback-noted");
  }

  async #markGood(state: ImageState, candidate: ImageVersion): Promise<void> {
    const { identity, dataSchema } = candidate;
    await this.#write({ formatVersion: 1, active: { identity, dataSchema }, previous: state.active, dataSchema });
    this.#options.log.info("the new machine image is good", { image: short(identity) });
    this.#step("good-noted");
    try {
      await this.#disk().dropCopies();
      this.#step("copies-dropped");
      await removeOldImages(this.#options);
      this.#step("old-images-removed");
    } catch (error) {
      // The next start tidies again.
      this.#options.log.warn("what an upgrade left was not removed", { reason: messageOf(error) });
    }
  }

  async #look(): Promise<ImageView> {
    const { source } = this.#options;
    const state = await this.#read();
    const offered = await source.offered().catch(() => undefined);
    const identity = state?.active?.identity ?? "";
    const refused = state?.refused !== undefined && state.refused.identity === offered?.identity ? state.refused : undefined;
    return {
      active: identity,
      previous: state?.previous?.identity ?? "",
      candidate: state?.candidate?.identity ?? "",
      triesLeft: state?.candidate?.triesLeft ?? 0,
      offered: offered?.identity ?? "",
      sizeBytes: identity === "" ? 0 : await source.sizeBytes(identity),
      ...describe(refused, identity, this.#postponed),
    };
  }

  #disk() {
    return this.#options.driver.dataDisk(this.#options.machineId);
  }

  async #read(): Promise<ImageState | undefined> {
    return readImageState(this.#statePath);
  }

  async #write(state: ImageState): Promise<void> {
    await writeImageState(this.#statePath, state);
    this.#view = undefined;
  }

  #step(step: UpgradeStep): void {
    this.#options.onStep?.(step);
  }
}

/** Removes the images that no machine's state names and that are not offered. */
export async function removeOldImages({
  machinesFolder,
  source,
  driver,
}: Pick<MachineImagesOptions, "machinesFolder" | "source" | "driver">): Promise<void> {
  const kept = new Set<string>();
  for (const id of await driver.list()) {
    const state = await readImageState(imageStatePath(machinesFolder, id));
    for (const version of [state?.active, state?.previous, state?.candidate]) if (version !== undefined) kept.add(version.identity);
  }
  const offered = await source.offered().catch(() => undefined);
  if (offered !== undefined) kept.add(offered.identity);
  await source.keepOnly(kept);
}

function imageStatePath(machinesFolder: string, machineId: string): string {
  return join(machinesFolder, machineId, "image.json");
}

function describe(refused: ImageState["refused"], active: string, postponed: string): Pick<ImageView, "warning" | "fix"> {
  if (postponed !== "")
    return { warning: `The machine was not brought to the new version: ${postponed}.`, fix: "Free some space, then restart the machine" };
  if (refused === undefined) return { warning: "", fix: "" };
  return {
    warning: `The new machine image ${short(refused.identity)} did not come up (${refused.reason}); the machine runs ${short(active)}, the one before.`,
    fix: "berth machine image --retry",
  };
}

/** The guest's last words on it, fit to be shown. */
function wordsOf({ warnings }: BootReport): string | undefined {
  return warnings.length === 0 ? undefined : withoutControls(warnings.at(-1) ?? "").slice(0, maxWarningLength);
}

function short(identity: string): string {
  return identity.slice(0, 12);
}
