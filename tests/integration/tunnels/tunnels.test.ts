import { create } from "@bufbuild/protobuf";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import { type OpenTunnelRequest, OpenTunnelRequestSchema, TunnelService } from "../../../src/contract/gen/berth/v1/tunnel_pb.js";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { type Databases, postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { RawRunner } from "./raw-runner.ts";
import { TunnelWorld, until, type WorldRunner } from "./tunnel-world.ts";

/** More than all buffers on the way hold. */
const manyBytes = 4 * 1024 * 1024;
const limitMs = 120_000;

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "",
    (error: unknown) => fromConnectError(error).code,
  );
}

describe.each([sqliteDatabases(), postgresDatabases()])(
  "tunnels through a gateway on $name",
  { timeout: limitMs },
  (databases: Databases) => {
    let world: TunnelWorld;
    let runner: WorldRunner;
    let environmentId: string;

    beforeAll(async () => {
      await databases.start();
      world = new TunnelWorld(databases);
      await world.start();
      runner = await world.newRunner();
      environmentId = await world.newEnvironment(world.ada, runner.classId);
    }, limitMs);
    afterAll(async () => {
      await world.end();
      await databases.stop();
    }, limitMs);

    test("the gateway is listed to people and runners", async () => {
      const wanted = [`here ${world.gatewayUrl} test`];
      expect(await world.gateways(world.bob.token)).toEqual(wanted);
      expect(await world.gateways(runner.state.accessToken ?? "")).toEqual(wanted);
    });

    test("what its owner sends arrives, whole and in order, and so does the end", async () => {
      const { stream, sshHostPublicKey } = await world.open(world.ada.token, environmentId);
      expect(sshHostPublicKey).toMatch(/^ssh-ed25519 /);
      const sent = Buffer.alloc(manyBytes);
      for (let i = 0; i < sent.length; i++) sent[i] = (i * 7919) & 0xff;
      const received: Buffer[] = [];
      const whole = once(stream, "end");
      stream.on("data", (chunk: Buffer) => received.push(chunk));
      stream.end(sent);
      await whole;
      expect(Buffer.concat(received).equals(sent)).toBe(true);
    });

    test("nobody else gets in, whatever their role, and what is not there looks the same as what is another's", async () => {
      expect(await codeOf(world.open(world.bob.token, environmentId))).toBe("not-allowed");
      expect(await codeOf(world.open(world.admin.token, environmentId))).toBe("not-allowed");
      expect(await codeOf(world.open(world.mallory.token, environmentId))).toBe("environment-not-found");
      expect(await codeOf(world.open(world.mallory.token, "018f0000-0000-7000-8000-000000000001"))).toBe("environment-not-found");
      expect(await codeOf(world.open("", environmentId))).toBe("sign-in-required");
      expect(await codeOf(world.open(runner.state.accessToken ?? "", environmentId))).toBe("not-allowed");
    });

    test("an environment that is stopped is told as such", async () => {
      const other = await world.newEnvironment(world.bob, runner.classId);
      await world.client(EnvironmentService, world.bob.token).stopEnvironment({ environmentId: other });
      await world.whenPhase(other, world.bob.token, EnvironmentPhase.STOPPED);
      expect(await codeOf(world.open(world.bob.token, other))).toBe("environment-not-running");
    });

    test("a message that is too large ends the tunnel, and so does one that names another environment", async () => {
      for (const message of [
        { case: "data", value: new Uint8Array(64 * 1024 + 1) },
        { case: "environmentId", value: environmentId },
      ] as const) {
        const requests = async function* (): AsyncGenerator<OpenTunnelRequest> {
          yield create(OpenTunnelRequestSchema, { message: { case: "environmentId", value: environmentId } });
          yield create(OpenTunnelRequestSchema, { message });
          await new Promise(() => undefined);
        };
        const client = world.client(TunnelService, world.ada.token, world.gatewayUrl);
        const answers = client.open(requests())[Symbol.asyncIterator]();
        expect((await answers.next()).value?.message.case).toBe("connected");
        expect(await codeOf(answers.next())).toBe("request-invalid");
      }
    });

    test("a tunnel is joined by the runner that was asked alone: no other, none of another organization, not twice, not without its session", async () => {
      const [asked, other, foreign] = await Promise.all([
        RawRunner.start(world, world.admin.token),
        RawRunner.start(world, world.admin.token),
        RawRunner.start(world, world.mallory.token),
      ]);
      try {
        const raw = await asked.newEnvironment(world.ada.token);
        const opening = world.open(world.ada.token, raw);
        const { ticket, environmentId: wanted, gatewayUrl } = await asked.invitation();
        expect({ wanted, gatewayUrl }).toEqual({ wanted: raw, gatewayUrl: world.gatewayUrl });
        expect(await codeOf(other.meet(ticket))).toBe("resource-not-found");
        expect(await codeOf(foreign.meet(ticket))).toBe("resource-not-found");
        expect(await codeOf(asked.meet(ticket, { isWithoutSession: true }))).toBe("runner-replaced");
        expect(await codeOf(asked.meet(`${ticket.slice(0, -1)}_`))).toBe("resource-not-found");
        expect(await asked.meet(ticket)).toBe("joined");
        const { stream } = await opening;
        expect(await codeOf(asked.meet(ticket))).toBe("resource-not-found");
        stream.destroy();
      } finally {
        for (const one of [asked, other, foreign]) one.end();
      }
    });

    test("who is told to wait is not kept waiting when the runner says no, or is away", async () => {
      const refusing = await world.newRunner({
        dialSsh: async () => {
          throw new BerthError("environment-not-running", "its dev container does not run");
        },
      });
      const raw = await world.newEnvironment(world.bob, refusing.classId);
      expect(await codeOf(world.open(world.bob.token, raw))).toBe("environment-not-running");
      await refusing.end();
      expect(await codeOf(world.open(world.bob.token, raw))).toBe("runner-unreachable");
    });

    test.runIf(databases.name !== "SQLite")(
      "while the server of the API is gone, work in a tunnel through another one goes on",
      async () => {
        const { stream } = await world.open(world.ada.token, environmentId);
        const echo = async (text: string): Promise<string> => {
          stream.write(text);
          const [chunk]: unknown[] = await once(stream, "data");
          return String(chunk);
        };
        expect(await echo("before")).toBe("before");
        await world.killApi();
        expect(await echo("meanwhile")).toBe("meanwhile");
        expect(await codeOf(world.open(world.ada.token, environmentId))).toBe("runner-unreachable");
        await world.startApiAgain();
        expect(await echo("after")).toBe("after");
        await until("a new one is opened", async () => (await codeOf(world.open(world.ada.token, environmentId))) === "");
        stream.destroy();
      },
    );

    test("a gateway that drains ends its tunnels and is listed no more", async () => {
      const { stream } = await world.open(world.ada.token, environmentId);
      stream.resume();
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      await world.drainGateway();
      await closed;
      if (world.isSplit) expect(await world.gateways(world.ada.token)).toEqual([]);
    });
  },
);
