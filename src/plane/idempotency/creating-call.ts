import { create, type DescMessage, type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { createContextKey } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type CreatingCallRecord, CreatingCallRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import type { Stored, Transaction, View } from "../store/store.ts";
import { creatingCallKind } from "./creating-call-kind.ts";
import { givesCredential } from "./creating-methods.ts";

/** How long a call can be repeated by its key. */
const creatingCallTtlMs = 24 * 60 * 60_000;

/** The call that is carried out, where it has a key by which it can be repeated. */
export const creatingCallKey = createContextKey<CreatingCall | undefined>(undefined, { description: "the creating call that has a key" });

/** What a transaction inserts. */
export interface Made {
  readonly id: string;
  readonly schema: DescMessage;
  readonly message: Message;
}

/** `kept`: the record was committed. `overtaken`: another call with the same key was quicker. */
type State = "open" | "kept" | "overtaken";

/** A call with a key: its record is committed with the first thing that it changes, so of two at once one is carried out. */
export class CreatingCall {
  readonly #id: string;
  readonly #method: DescMethod;
  readonly #fingerprint: Uint8Array<ArrayBuffer>;
  readonly #now: () => number;
  #state: State = "open";
  #answer: Uint8Array | undefined;

  constructor(options: {
    readonly id: string;
    readonly method: DescMethod;
    readonly fingerprint: Uint8Array<ArrayBuffer>;
    readonly now: () => number;
  }) {
    this.#id = options.id;
    this.#method = options.method;
    this.#fingerprint = options.fingerprint;
    this.#now = options.now;
  }

  get state(): State {
    return this.#state;
  }

  /** The record of a call with this key, by whichever process it was carried out. Fails with `idempotency-key-reused`. */
  async find(view: View): Promise<CreatingCallRecord | undefined> {
    const stored = await view.get(creatingCallKind, this.#id);
    if (stored === undefined || this.#isOver(stored)) return undefined;
    if (!Buffer.from(stored.message.fingerprint).equals(this.#fingerprint))
      throw new BerthError("idempotency-key-reused", "the first request with it was another one");
    return stored.message;
  }

  /** Writes the record in the transaction that makes something, with the answer where it follows from what is made. */
  async write(tx: Transaction, organizationId: string, made: readonly Made[]): Promise<void> {
    if (this.#state === "kept") return;
    const stored = await tx.get(creatingCallKind, this.#id);
    if (stored !== undefined && !this.#isOver(stored)) {
      this.#state = "overtaken";
      throw new BerthError("changed-meanwhile", "another call with the same idempotency key was quicker");
    }
    this.#answer = givesCredential(this.#method) ? undefined : answerOf(this.#method.output, made);
    const record = create(CreatingCallRecordSchema, {
      fingerprint: this.#fingerprint,
      expiresAtMs: BigInt(this.#now() + creatingCallTtlMs),
      ...(this.#answer === undefined ? {} : { answer: this.#answer }),
    });
    if (stored === undefined) tx.insert(creatingCallKind, this.#id, record, { organizationId });
    else tx.update(creatingCallKind, stored, record);
  }

  /** The transaction that wrote the record was committed. */
  noteCommit(): void {
    if (this.#state === "open") this.#state = "kept";
  }

  /** Keeps what is answered, unless the record has it already or must not. */
  async keepAnswer(view: View, message: Message): Promise<void> {
    if (this.#state !== "kept" || givesCredential(this.#method)) return;
    const answer = toBinary(this.#method.output, message);
    if (this.#answer !== undefined && Buffer.from(answer).equals(this.#answer)) return;
    await view.transaction(async (tx) => {
      const stored = await tx.get(creatingCallKind, this.#id);
      if (stored !== undefined) tx.update(creatingCallKind, stored, { ...stored.message, answer });
    });
  }

  #isOver({ message }: Stored<typeof CreatingCallRecordSchema>): boolean {
    return Number(message.expiresAtMs) <= this.#now();
  }
}

/** An answer that is no more than what was made, or its id; undefined for any other. */
function answerOf(output: DescMessage, made: readonly Made[]): Uint8Array | undefined {
  const [field, ...others] = output.fields;
  if (field === undefined || others.length > 0) return undefined;
  const answer = reflect(output, create(output));
  if (field.fieldKind === "scalar" && field.name === "id") {
    // What a transaction is about is written last in it.
    const last = made.at(-1);
    if (last === undefined) return undefined;
    answer.set(field, last.id);
  } else if (field.fieldKind === "message") {
    const record = made.findLast(({ schema }) => schema.typeName === field.message.typeName);
    if (record === undefined) return undefined;
    answer.set(field, reflect(record.schema, record.message));
  } else return undefined;
  return toBinary(output, answer.message);
}
