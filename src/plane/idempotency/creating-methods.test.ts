import { expect, test } from "vitest";
import { authorizedServices } from "../authorization/table.ts";
import { givesCredential, isCreating } from "./creating-methods.ts";

test("answers with a credential are known, so that they are not kept", () => {
  const creating = authorizedServices.flatMap((service) => service.methods).filter(isCreating);
  const names = creating.filter(givesCredential).map(({ name }) => name);
  expect(names.toSorted()).toEqual([
    "CreateEnvironmentAccessToken",
    "CreateEnvironmentLogsToken",
    "CreatePersonalAccessToken",
    "CreatePortAccessToken",
    "CreatePrebuildLogsToken",
    "CreateRunner",
    "CreateRunnerLogsToken",
    "CreateRunnerToken",
    "CreateSCIMConfiguration",
    "CreateServiceAccountAccessToken",
    "CreateServiceAccountToken",
  ]);
});
