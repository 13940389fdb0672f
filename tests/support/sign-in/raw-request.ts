import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

/** Asks for a path as it is written here, and gives the status; browsers and fetch would write it in another way first. */
export async function statusOfPath(origin: string, path: string, method = "GET", body = ""): Promise<number> {
  const { hostname, port } = new URL(origin);
  const [sent] = await once(request({ hostname, port, path, method }).end(body), "response");
  const answered: IncomingMessage = sent;
  answered.resume();
  return answered.statusCode ?? 0;
}
