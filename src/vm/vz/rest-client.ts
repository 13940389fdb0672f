import { request } from "node:http";
import { z } from "zod";

/** vfkit answers at once, also while its guest is busy. */
const answerTimeoutMs = 5000;
const maxAnswerBytes = 1024 ** 2;

/** Apple's names (VZVirtualMachine.State), as vfkit writes them. */
const states = ["Running", "Stopped", "Paused", "Error", "Starting", "Pausing", "Resuming", "Stopping", "Saving", "Restoring"] as const;
export type VmState = (typeof states)[number];

const statePrefix = "VirtualMachineState";
const vmStateSchema = z.object({
  state: z.string().transform((name, context): VmState => {
    const state = states.find((each) => name === `${statePrefix}${each}`);
    if (state !== undefined) return state;
    context.addIssue({ code: "custom", message: `there is no state ${name}` });
    return z.NEVER;
  }),
  canPause: z.boolean(),
  canResume: z.boolean(),
  canStop: z.boolean(),
  canHardStop: z.boolean(),
});
export type VmStateAnswer = z.infer<typeof vmStateSchema>;

const inspectionSchema = z.object({
  devices: z.array(z.looseObject({ kind: z.string(), imagePath: z.string().optional(), deviceIdentifier: z.string().optional() })),
});

/** vfkit's REST service on a unix socket (doc/usage.md, "RESTful API"). It has no events; every call is one connection. */
export class VfkitRestClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Fails when nobody answers, or not as vfkit does. */
  async state(): Promise<VmStateAnswer> {
    return vmStateSchema.parse(await this.#call("GET", "/vm/state"));
  }

  /** `Stop` asks the guest, as a power button does; `HardStop` pulls the plug. */
  async change(state: "Pause" | "Resume" | "Stop" | "HardStop"): Promise<void> {
    await this.#call("POST", "/vm/state", { state });
  }

  /** The image file behind a disk, by the `deviceId` it was given. */
  async diskPath(deviceId: string): Promise<string | undefined> {
    const { devices } = inspectionSchema.parse(await this.#call("GET", "/vm/inspect"));
    return devices.find(({ deviceIdentifier }) => deviceIdentifier === deviceId)?.imagePath;
  }

  async #call(method: "GET" | "POST", path: string, body?: Readonly<Record<string, unknown>>): Promise<unknown> {
    const text = await new Promise<string>((resolve, reject) => {
      const call = request({
        socketPath: this.#socketPath,
        agent: false,
        method,
        path,
        signal: AbortSignal.timeout(answerTimeoutMs),
        headers: { "content-type": "application/json" },
      });
      call.once("error", reject);
      call.once("response", (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          answer += chunk;
          if (answer.length > maxAnswerBytes) response.destroy(new Error("vfkit's answer is too long"));
        });
        response.once("error", reject);
        response.once("end", () => {
          if (response.statusCode !== undefined && response.statusCode < 300) resolve(answer);
          else reject(new Error(`vfkit refused ${method} ${path}: ${answer}`));
        });
      });
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return text === "" ? undefined : JSON.parse(text);
  }
}
