import { type RequestListener, createServer } from "node:http";

export interface TestServer {
  readonly origin: string;
  readonly port: number;
  end(): Promise<void>;
}

/** A server on a free port of 127.0.0.1. */
export async function serveOnLoopback(listener: RequestListener): Promise<TestServer> {
  const server = createServer(listener);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    port: address.port,
    end: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
