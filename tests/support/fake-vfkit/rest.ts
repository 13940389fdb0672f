import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { type FakeMachine, inspection } from "./command-line.ts";
import type { Machine } from "./machine.ts";

const changeSchema = z.object({ state: z.string() });
const knownChangeSchema = z.enum(["Pause", "Resume", "Stop", "HardStop"]);

/** vfkit's REST service (pkg/rest); gives back what removes its socket. A socket that is left there keeps it from starting. */
export async function serveRest(socketPath: string, config: FakeMachine, machine: Machine): Promise<() => void> {
  const answer = (response: ServerResponse, status: number, body?: unknown): void => {
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const change = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parsed = changeSchema.safeParse(parseJson(await textOf(request)));
    if (!parsed.success) return answer(response, 400, { error: "invalid JSON" });
    const known = knownChangeSchema.safeParse(parsed.data.state);
    if (!known.success) return answer(response, 500, { error: `invalid new VMState: ${parsed.data.state}` });
    try {
      await machine.change(known.data);
      answer(response, 202);
    } catch (error) {
      answer(response, 500, { error: String(error) });
    }
  };
  const server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    if (call === "GET /vm/state") answer(response, 200, { state: `VirtualMachineState${machine.state}`, ...machine.can });
    else if (call === "GET /vm/inspect") answer(response, 200, inspection(config));
    else if (call === "POST /vm/state") void change(request, response);
    else answer(response, 404);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socketPath, resolve));
  return () => rmSync(socketPath, { force: true });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
