import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type VoucherRecord, VoucherRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import type { Voucher, Vouchers } from "../sign-in/ports.ts";
import type { Store, Stored, Transaction, View } from "../store/store.ts";
import { voucherId, voucherKind } from "./kinds.ts";
import { msOf } from "./record-fields.ts";

/** By what providers are asked about people, in the plane's store. */
export class StoredVouchers implements Vouchers {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async put(voucher: Voucher): Promise<void> {
    const id = voucherId(voucher.organizationId, voucher.accountId);
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(voucherKind, id);
      const sealed = voucher.sealedRefreshToken;
      if (stored === undefined) tx.insert(voucherKind, id, messageOf(voucher), { sealed });
      else tx.update(voucherKind, stored, messageOf(voucher), { sealed });
    });
  }

  async get(organizationId: string, accountId: string): Promise<Voucher | undefined> {
    const id = voucherId(organizationId, accountId);
    const stored = await this.#view.get(voucherKind, id);
    const sealedRefreshToken = stored === undefined ? undefined : await this.#view.sealed(voucherKind, id);
    if (stored === undefined || sealedRefreshToken === undefined) return undefined;
    const { providerId, providerSubject, vouchedAt, askedAt, expiresAt } = stored.message;
    const times = { vouchedAtMs: msOf(vouchedAt), askedAtMs: msOf(askedAt), expiresAtMs: msOf(expiresAt) };
    return { organizationId, accountId, providerId, providerSubject, sealedRefreshToken, ...times };
  }

  async claim(voucher: Voucher, askedAtMs: number): Promise<boolean> {
    return this.#view.transaction(async (tx) => {
      const stored = await storedAs(tx, voucher);
      if (stored !== undefined) tx.update(voucherKind, stored, messageOf({ ...voucher, askedAtMs }));
      return stored !== undefined;
    });
  }

  async renew(claimed: Voucher, renewed: Voucher): Promise<boolean> {
    return this.#view.transaction(async (tx) => {
      const stored = await storedAs(tx, claimed);
      if (stored !== undefined) tx.update(voucherKind, stored, messageOf(renewed), { sealed: renewed.sealedRefreshToken });
      return stored !== undefined;
    });
  }

  async remove(organizationId: string, accountId: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(voucherKind, voucherId(organizationId, accountId));
      if (stored !== undefined) tx.delete(voucherKind, stored);
    });
  }
}

/** The record of a voucher, unless a new sign-in or another process has changed it. */
async function storedAs(
  tx: Transaction,
  { organizationId, accountId, vouchedAtMs, askedAtMs }: Voucher,
): Promise<Stored<typeof VoucherRecordSchema> | undefined> {
  const stored = await tx.get(voucherKind, voucherId(organizationId, accountId));
  const isSame = stored !== undefined && msOf(stored.message.vouchedAt) === vouchedAtMs && msOf(stored.message.askedAt) === askedAtMs;
  return isSame ? stored : undefined;
}

function messageOf({ vouchedAtMs, askedAtMs, expiresAtMs, sealedRefreshToken: _beside, ...voucher }: Voucher): VoucherRecord {
  return create(VoucherRecordSchema, {
    ...voucher,
    vouchedAt: timestampFromMs(vouchedAtMs),
    askedAt: timestampFromMs(askedAtMs),
    expiresAt: timestampFromMs(expiresAtMs),
  });
}
