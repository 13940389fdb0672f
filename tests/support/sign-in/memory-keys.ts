import type { Sealing, SigningKeyRecord, SigningKeyStore } from "../../../src/plane/signing-keys/signing-keys.ts";

/** What the plane's store keeps of signing keys, in memory. */
export class MemoryKeys implements SigningKeyStore {
  readonly all: SigningKeyRecord[] = [];

  list(purpose: string) {
    return Promise.resolve(this.all.filter((one) => one.purpose === purpose));
  }

  async add(record: SigningKeyRecord, newestKid: string | undefined) {
    const keys = await this.list(record.purpose);
    if (keys.at(-1)?.kid !== newestKid) return false;
    this.all.push(record);
    return true;
  }

  remove(kid: string) {
    const index = this.all.findIndex((one) => one.kid === kid);
    if (index >= 0) this.all.splice(index, 1);
    return Promise.resolve();
  }
}

/** Leaves values open, but refuses one that is put in another's place. */
export const openSealing: Sealing = {
  seal: (value, belongsTo) => Buffer.from(JSON.stringify([belongsTo, value])),
  open: (sealed, belongsTo) => {
    const [owner, value] = JSON.parse(Buffer.from(sealed).toString()) as [string, string];
    if (owner !== belongsTo) throw new Error("sealed for something else");
    return value;
  },
};
