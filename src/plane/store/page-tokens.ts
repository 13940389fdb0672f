import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { Cursor } from "./queries.ts";

/** Of HMAC-SHA-256; enough that guessing is hopeless and tokens stay short. */
const macBytes = 16;
const maxTokenLength = 1000;
const cursorSchema = z.tuple([z.union([z.number(), z.string()]), z.string()]);

/** What the key of page tokens is derived for. */
export const pageTokenKeyUse = "berth page tokens";

/** Page tokens: where the last page ended, with a mark that only this installation can make for only this list. */
export class PageTokens {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** `list` says which list the token continues: its kind, organization, filter and order. */
  make(cursor: Cursor, list: string): string {
    const content = Buffer.from(JSON.stringify([cursor.orderKey, cursor.id]));
    return Buffer.concat([this.#mac(content, list), content]).toString("base64url");
  }

  /** Fails with `request-invalid` for a token that was not made by `make` for this list. */
  read(token: string, list: string): Cursor {
    const bytes = Buffer.from(token.slice(0, maxTokenLength), "base64url");
    const mac = bytes.subarray(0, macBytes);
    const content = bytes.subarray(macBytes);
    if (token.length > maxTokenLength || mac.length < macBytes || !timingSafeEqual(mac, this.#mac(content, list)))
      throw new BerthError("request-invalid", "pagination.token was not given by this server for this list");
    const [orderKey, id] = cursorSchema.parse(parseJson(content.toString()));
    return { orderKey, id };
  }

  #mac(content: Uint8Array, list: string): Buffer {
    const hash = createHash("sha256").update(list).digest();
    return createHmac("sha256", this.#key).update(hash).update(content).digest().subarray(0, macBytes);
  }
}
