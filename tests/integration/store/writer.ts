import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { writeSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentSpecSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { engineCalls } from "../../../src/engine/engine.ts";
import { createPlane } from "../../../src/plane/create-plane.ts";

/**
 * Writes to the store in its first argument until it is killed. Each line says what was acknowledged:
 * `made ID`, `named ID NUMBER`, `removed ID`, `secret ID NUMBER`. The second argument names this process.
 */
const [, , folder = "", run = ""] = process.argv;
const plane = await createPlane({
  databasePath: join(folder, "berth.db"),
  keyPath: join(folder, "key"),
  engineCalls,
  now: () => Date.now(),
  version: "test",
});
const secrets = createClient(
  SecretService,
  createRouterTransport((router) => plane.routes(router), { router: { interceptors: plane.interceptors } }),
);
// Synchronous, so that no acknowledgement is lost in this process.
const say = (line: string): void => void writeSync(1, `${line}\n`);

const spec = create(EnvironmentSpecSchema, {
  content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://github.com/o/r" } } }] } },
});
const never = new AbortController().signal;
for (let round = 0; ; round++) {
  const { id } = await plane.createEnvironment({ spec, name: `r${run}-${round}`, annotations: {}, sessionId: "" }, never);
  say(`made ${id}`);
  const { secret } = await secrets.createSecret({
    name: `S_${run}_${round}`,
    value: "0",
    mount: { case: "environmentVariable", value: true },
  });
  say(`secret ${secret?.id} 0`);
  for (let number = 1; number <= 5; number++) {
    await plane.updateEnvironment(id, ({ metadata }) => {
      if (metadata !== undefined) metadata.annotations["number"] = String(number);
    });
    say(`named ${id} ${number}`);
    await secrets.updateSecretValue({ secretId: secret?.id ?? "", value: String(number) });
    say(`secret ${secret?.id} ${number}`);
  }
  if (round % 3 === 2) {
    await plane.environmentStore.remove(id);
    say(`removed ${id}`);
  }
}
