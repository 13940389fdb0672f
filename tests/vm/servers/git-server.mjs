// git over http: `git http-backend` (git-http-backend(1)) behind Node, with one corner that needs a password,
// one that never answers, and a log of the Authorization headers it was sent.
import { spawn } from "node:child_process";
import { appendFileSync, createReadStream } from "node:fs";
import { createServer } from "node:http";

const repositories = "/tmp/git";
const password = Buffer.from("oauth2:right-token").toString("base64");

createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  appendFileSync("/tmp/git-requests.log", `${url.pathname} ${request.headers.authorization ?? "-"}\n`);
  if (url.pathname === "/healthy") return response.end("yes");
  if (url.pathname.startsWith("/hangs/")) return;
  if (url.pathname.startsWith("/private/") && request.headers.authorization !== `Basic ${password}`) {
    return response.writeHead(401, { "www-authenticate": 'Basic realm="private"' }).end();
  }
  const large = /^(\/[\w./-]+\.git)\/info\/lfs\/objects\/(batch|[0-9a-f]{64})$/.exec(url.pathname);
  if (large?.[2] === "batch") return void answerBatch(request, response, large[1]);
  if (large !== null) return createReadStream(`${repositories}${large[1]}/lfs/${large[2]}`).pipe(response);
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      REMOTE_USER: "test",
      REMOTE_ADDR: "127.0.0.1",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  request.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  backend.stdout.on("data", (chunk) => {
    if (head === undefined) return response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const headers = head
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(": "));
    const status = Number(headers.find(([name]) => name.toLowerCase() === "status")?.[1]?.split(" ")[0] ?? 200);
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name.toLowerCase() !== "status")));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  backend.stdout.on("end", () => response.end());
}).listen(8417, "127.0.0.1");

/** Tells git-lfs where the large files are (the Git LFS batch API). */
async function answerBatch(request, response, repository) {
  const { objects } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  const href = (oid) => `http://${request.headers.host}${repository}/info/lfs/objects/${oid}`;
  response.writeHead(200, { "content-type": "application/vnd.git-lfs+json" });
  response.end(
    JSON.stringify({
      transfer: "basic",
      objects: objects.map(({ oid, size }) => ({ oid, size, actions: { download: { href: href(oid) } } })),
    }),
  );
}
