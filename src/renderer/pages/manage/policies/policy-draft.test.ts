import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { OrganizationPoliciesSchema } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { changesIn, draftOf, isLimit } from "./policy-draft.ts";

const draft = draftOf(
  create(OrganizationPoliciesSchema, {
    membersCreateProjects: true,
    maximumEnvironmentsPerUser: 5n,
    maximumEnvironmentLifetime: durationFromMs(7 * 24 * 60 * 60_000),
  }),
);

test("policies stand in the form in the units that people think in", () => {
  expect(draft).toMatchObject({
    membersCreateProjects: true,
    maximumEnvironmentsPerUser: "5",
    maximumRunningEnvironmentsPerUser: "0",
    maximumEnvironmentLifetime: "7",
    deleteArchivedEnvironmentsAfter: "0",
  });
});

test("only what was changed is sent, so that a change that somebody else makes meanwhile stays", () => {
  expect(changesIn(draft, draft)).toEqual({});
  const changed = { ...draft, membersCreateProjects: false, maximumEnvironmentsPerUser: " 0 ", maximumEnvironmentLifetime: "30" };
  expect(changesIn(draft, changed)).toEqual({
    membersCreateProjects: false,
    maximumEnvironmentsPerUser: 0n,
    maximumEnvironmentLifetime: durationFromMs(30 * 86_400_000),
  });
});

test.each([
  ["maximumEnvironmentLifetime", "0", true],
  ["maximumEnvironmentLifetime", "180", true],
  ["maximumEnvironmentLifetime", "181", false],
  ["deleteArchivedEnvironmentsAfter", "28", true],
  ["deleteArchivedEnvironmentsAfter", "1.5", false],
  ["maximumEnvironmentsPerUser", "-1", false],
  ["maximumEnvironmentsPerUser", "", false],
] as const)("%s of '%s' can be: %s", (name, text, can) => {
  expect(isLimit(name, text)).toBe(can);
});
