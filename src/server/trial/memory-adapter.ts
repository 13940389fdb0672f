import type { Adapter, AdapterPayload } from "oidc-provider";

/** What an identity provider for a trial keeps, as long as the process lives. */
export class MemoryAdapter implements Adapter {
  readonly #model: string;
  readonly #all: Map<string, AdapterPayload>;

  constructor(model: string, all: Map<string, AdapterPayload>) {
    this.#model = model;
    this.#all = all;
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#all.set(this.#key(id), payload);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#all.get(this.#key(id));
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.#all.entries()].find(([key, payload]) => key.startsWith(this.#key("")) && payload.uid === uid)?.[1];
  }

  async destroy(id: string): Promise<void> {
    this.#all.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of this.#all) if (payload.grantId === grantId) this.#all.delete(key);
  }

  async consume(id: string): Promise<void> {
    const payload = this.#all.get(this.#key(id));
    if (payload !== undefined) this.#all.set(this.#key(id), { ...payload, consumed: Math.floor(Date.now() / 1000) });
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }
}
