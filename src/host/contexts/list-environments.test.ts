import { createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { listRemoteEnvironments } from "./list-environments.ts";

/** A plane that says there is always another page, with so many environments on each. */
async function listEndless(perPage: number) {
  let pages = 0;
  const transport = createRouterTransport(({ service }) => {
    service(EnvironmentService, {
      listEnvironments: () => ({
        environments: Array.from({ length: perPage }, (_, n) => ({
          id: `${pages}-${n}`,
          metadata: { name: `\u001B]0;title\u0007${"x".repeat(10_000)}` },
          status: { content: { git: { totalChangedFiles: -1 } } },
        })),
        pagination: { nextToken: String(++pages) },
      }),
    });
  });
  const list = await listRemoteEnvironments(createClient(EnvironmentService, transport), async (make) => make({}));
  return { list, pages: () => pages };
}

test("a plane whose pages never end is asked for so many, and what it has more is said to be there", async () => {
  const empty = await listEndless(0);
  expect(empty.pages()).toBe(50);
  expect(empty.list).toEqual({ environments: [], truncated: true });
  const huge = await listEndless(300);
  expect(huge.list.environments).toHaveLength(5000);
  expect(huge.list.truncated).toBe(true);
});

test("names from a plane cannot write to a terminal or fill the disk, and odd numbers are none", async () => {
  const [first] = (await listEndless(1)).list.environments;
  expect(first?.name).toMatch(/^[\x20-\x7e]{500}$/);
  expect(first?.changedFiles).toBe(0);
});
