import { readFile, rename } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { isLoopbackProxy, keepCredentials, parseNoProxy, parseProxyUrl, redactProxyUrl } from "../../lib/network/proxy.ts";
import type { Sealer } from "../../plane/seal.ts";
import { readAuthorities } from "./ca-certificates.ts";

const maxFiles = 20;
const sealedFor = "network-settings/proxies";

const modeSchema = z.enum(["computer", "none", "own"]);
const proxiesSchema = z.object({ httpProxy: z.string(), httpsProxy: z.string() });
const fileSchema = z.object({
  proxyMode: modeSchema.catch("computer"),
  /** Sealed: there may be a password in them. */
  proxies: z.string().catch(""),
  noProxy: z.string().catch(""),
  caCertificateFiles: z.array(z.string()).max(maxFiles).catch([]),
});

/** Where proxies come from: this computer's environment, nowhere, or what is set. */
export type ProxyMode = z.infer<typeof modeSchema>;

/** What a person set about the way to the world. */
export interface StoredNetwork {
  readonly proxyMode: ProxyMode;
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
  /** Absolute paths of PEM files. */
  readonly caCertificateFiles: readonly string[];
}

const nothing: StoredNetwork = { proxyMode: "computer", httpProxy: "", httpsProxy: "", noProxy: "", caCertificateFiles: [] };

/** The network's settings in a file of their own, with the proxies sealed. */
export class NetworkSettings {
  readonly #path: string;
  readonly #sealer: Sealer;
  #stored: StoredNetwork;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, sealer: Sealer, stored: StoredNetwork) {
    this.#path = path;
    this.#sealer = sealer;
    this.#stored = stored;
  }

  static async open(path: string, sealer: Sealer, log: Log): Promise<NetworkSettings> {
    return new NetworkSettings(path, sealer, await read(path, sealer, log));
  }

  get stored(): StoredNetwork {
    return this.#stored;
  }

  /** Fails with `setting-invalid` and changes nothing. `***` for user and password keeps those that are set. */
  async change(wanted: StoredNetwork): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const next = await check(wanted, this.#stored);
        const { httpProxy, httpsProxy, ...open } = next;
        const sealed = this.#sealer.seal(JSON.stringify({ httpProxy, httpsProxy }), sealedFor);
        const file: z.infer<typeof fileSchema> = {
          ...open,
          caCertificateFiles: [...open.caCertificateFiles],
          proxies: Buffer.from(sealed).toString("base64"),
        };
        await writeFileAtomically(this.#path, `${JSON.stringify(file, undefined, 2)}\n`);
        this.#stored = next;
      });
    return this.#writing;
  }
}

async function check(wanted: StoredNetwork, kept: StoredNetwork): Promise<StoredNetwork> {
  try {
    const next = {
      proxyMode: wanted.proxyMode,
      httpProxy: ownProxy(wanted.httpProxy, kept.httpProxy),
      httpsProxy: ownProxy(wanted.httpsProxy, kept.httpsProxy),
      noProxy: parseNoProxy(wanted.noProxy),
      caCertificateFiles: [...new Set(wanted.caCertificateFiles.map((path) => path.trim()).filter((path) => path !== ""))],
    };
    if (next.caCertificateFiles.length > maxFiles) throw new Error(`there are more than ${maxFiles} files of certificates`);
    for (const path of next.caCertificateFiles) await readAuthorities(path);
    return next;
  } catch (error) {
    throw new BerthError("setting-invalid", messageOf(error));
  }
}

function ownProxy(wanted: string, kept: string): string {
  const url = parseProxyUrl(keepCredentials(wanted, kept));
  if (url !== "" && isLoopbackProxy(url))
    throw new Error(`${redactProxyUrl(url)} is on this computer's own loopback, which the machine cannot reach; ${loopbackProxyFix}`);
  return url;
}

/** The machine gets no way to the loopback, not even to one port: what a proxy there serves, it most often serves of the loopback too. */
export const loopbackProxyFix = "let the proxy listen on an address of this computer's network, and give that one";

async function read(path: string, sealer: Sealer, log: Log): Promise<StoredNetwork> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return nothing;
  }
  try {
    const { proxies, ...open } = fileSchema.parse(JSON.parse(text));
    const opened =
      proxies === ""
        ? { httpProxy: "", httpsProxy: "" }
        : proxiesSchema.parse(JSON.parse(sealer.open(Buffer.from(proxies, "base64"), sealedFor)));
    return { ...open, ...opened };
  } catch (error) {
    log.warn("the network's settings could not be read; they are kept beside the new ones", { reason: messageOf(error) });
    await rename(path, `${path}.unreadable`).catch(() => undefined);
    return nothing;
  }
}
