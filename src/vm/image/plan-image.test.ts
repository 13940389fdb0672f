import { expect, test } from "vitest";
import type { ImageState, ImageVersion } from "./image-state.ts";
import { type ImageFacts, type ImageStep, planImage } from "./plan-image.ts";

const one: ImageVersion = { identity: "one", dataSchema: 1 };
const oneMore: ImageVersion = { identity: "one-more", dataSchema: 1 };
const two: ImageVersion = { identity: "two", dataSchema: 2 };
const refused = (image: ImageVersion) => ({ ...image, atMs: 0, reason: "it did not come up" });
const good = (image: ImageVersion, more: Partial<ImageState> = {}): ImageState => ({
  formatVersion: 1,
  active: image,
  dataSchema: image.dataSchema,
  ...more,
});
const trying = (image: ImageVersion, triesLeft: number, diskCopy?: string): ImageState =>
  good(one, { candidate: { ...image, triesLeft, ...(diskCopy === undefined ? {} : { diskCopy }) } });

const table: readonly (readonly [string, Partial<ImageFacts>, ImageStep])[] = [
  ["a new machine begins with what is offered", { diskExists: false, state: undefined }, { kind: "begin", image: one }],
  ["a new machine that was begun boots", { diskExists: false }, { kind: "boot", image: one }],
  ["a machine whose disk is gone begins anew", { diskExists: false, state: good(two) }, { kind: "begin", image: one }],
  ["nothing at all", { diskExists: false, state: undefined, offered: undefined }, { kind: "missing" }],
  ["a disk without a state and no image", { state: undefined, offered: undefined }, { kind: "missing" }],
  ["a disk from before states were kept", { state: undefined }, { kind: "begin", image: one }],
  [
    "a disk from before states were kept, of an older schema",
    { state: undefined, offered: two },
    { kind: "try", image: two, diskCopy: "1" },
  ],
  ["nothing new", {}, { kind: "boot", image: one }],
  ["nothing offered", { offered: undefined }, { kind: "boot", image: one }],
  ["another image of the same schema", { offered: oneMore }, { kind: "try", image: oneMore, diskCopy: undefined }],
  ["another image of a higher schema", { offered: two }, { kind: "try", image: two, diskCopy: "1" }],
  ["the active image's files are gone", { activeIsThere: false, offered: oneMore }, { kind: "begin", image: oneMore }],
  ["the active image's files are gone, and no other is offered", { activeIsThere: false, offered: undefined }, { kind: "missing" }],
  [
    "the active image's files are gone, of a lower schema",
    { activeIsThere: false, offered: two },
    { kind: "try", image: two, diskCopy: "1" },
  ],
  ["an older version of Berth", { state: good(two) }, { kind: "refuse-downgrade", diskSchema: 2, imageSchema: 1 }],
  [
    "an older version of Berth, and the active image is gone",
    { state: good(two), activeIsThere: false },
    { kind: "refuse-downgrade", diskSchema: 2, imageSchema: 1 },
  ],
  [
    "an image that did not come up is not tried again",
    { state: good(one, { refused: refused(two) }), offered: two },
    { kind: "boot", image: one },
  ],
  [
    "another one after it is",
    { state: good(one, { refused: refused(oneMore) }), offered: two },
    { kind: "try", image: two, diskCopy: "1" },
  ],
  [
    "an image that did not come up, when there is no other any more",
    { state: good(one, { refused: refused(oneMore) }), offered: oneMore, activeIsThere: false },
    { kind: "begin", image: oneMore },
  ],
  ["a trial's first start", { state: trying(two, 2, "1"), offered: two }, { kind: "boot-candidate", image: two }],
  ["a trial's last start", { state: trying(two, 1, "1"), offered: two }, { kind: "boot-candidate", image: two }],
  ["a trial that is used up", { state: trying(two, 0, "1"), offered: two }, { kind: "fall-back", refused: true }],
  [
    "a trial goes on although nothing is offered",
    { state: trying(two, 1, "1"), offered: undefined },
    { kind: "boot-candidate", image: two },
  ],
  ["a trial is given up for the version before", { state: trying(two, 1, "1") }, { kind: "fall-back", refused: false }],
  ["a trial is given up for a third version", { state: trying(two, 1, "1"), offered: oneMore }, { kind: "fall-back", refused: false }],
  [
    "a trial without anything to fall back to makes way for another image",
    { state: trying(two, 0, "1"), offered: oneMore, activeIsThere: false },
    { kind: "fall-back", refused: false },
  ],
  [
    "a trial without anything to fall back to goes on",
    { state: trying(two, 0, "1"), offered: two, activeIsThere: false },
    { kind: "boot-candidate", image: two },
  ],
];

test.each(table)("%s", (_name, facts, step) => {
  const activeIsThere = !("state" in facts) || facts.state !== undefined;
  expect(planImage({ state: good(one), offered: one, diskExists: true, activeIsThere, ...facts })).toEqual(step);
});
