import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { OrganizationRole } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { UsageService } from "../../../src/contract/gen/gitpod/v1/usage_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";
import { expect } from "./manage-world.ts";

const dayMs = 24 * 60 * 60_000;

let browser: Browser;
let plane: AuthorizingPlane;
let host: SimulatedHost;

beforeAll(async () => {
  browser = await launchBrowser();
  plane = new AuthorizingPlane();
  await plane.start();
  host = new SimulatedHost();
  await host.start();
});

afterAll(async () => {
  await host.end();
  await plane.end();
  await browser.close();
});

/** The last of these days is today; the plane leaves out those with nothing. */
function points(values: readonly number[]) {
  const todayMs = Math.floor(Date.now() / dayMs) * dayMs;
  return values
    .map((value, n) => ({ value, time: timestampFromMs(todayMs - (values.length - 1 - n) * dayMs) }))
    .filter(({ value }) => value > 0);
}

test("usage is drawn as a bar for each day, and is there as a table for who would rather read it", async () => {
  const hours = Array.from({ length: 30 }, (_, n) => (n % 7 > 4 ? 0 : 8 + ((n * 37) % 40)));
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(AccountService, {
        getAccount: () => ({
          account: {
            memberships: [{ organizationId: "org-1", userId: "account-1", userRole: OrganizationRole.ADMIN, organizationName: "Example" }],
          },
        }),
      });
      router.service(UsageService, {
        getEnvironmentRuntimeTimeSeries: () => ({ totalRuntime: points(hours.map((value) => value * 3600)) }),
        getActiveEnvironmentsTimeSeries: () => ({ activeEnvironments: points([...hours.slice(0, -1), 12]) }),
      });
    },
  });
  plane.serve = (request, response) => handler(request, response);
  const { context } = await host.contexts.addContext({ planeUrl: plane.origin, name: "work" });
  const contextId = context?.contextId ?? "";
  const person = await plane.signedInBrowser();
  for await (const { progress } of host.contexts.signIn({ contextId, method: { case: "browser", value: {} } }))
    if (progress.case === "browserUrl") void plane.allow(person, progress.value);

  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await window.go(`/manage/${contextId}/usage`);
  const active = page.getByRole("region", { name: "Environments that ran" });
  await expect(active.getByRole("img")).toHaveAccessibleName(/^Environments that ran: \d+ in all, at most \d+ on one day$/);
  await active.getByText("As a table").press("Enter");
  await expect(active.getByRole("row")).toHaveCount(31);
  await expect(active.getByRole("row").last()).toContainText("12");
  await window.check("manage-usage-charts");
  await page.getByRole("combobox", { name: "Time" }).click();
  await page.getByRole("option", { name: "The last 7 days" }).click();
  await expect(active.getByRole("row")).toHaveCount(8);
  await window.close();
});
