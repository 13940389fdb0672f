import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type VoucherRecord, VoucherRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import type { Voucher, Vouchers } from "../sign-in/ports.ts";
import type { Store, View } from "../store/store.ts";
import { voucherKind } from "./kinds.ts";
import { msOf } from "./record-fields.ts";

/** By what providers are asked about people, in the plane's store. */
export class StoredVouchers implements Vouchers {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async put(voucher: Voucher): Promise<void> {
    const id = idOf(voucher.organizationId, voucher.accountId);
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(voucherKind, id);
      if (stored === undefined) tx.insert(voucherKind, id, messageOf(voucher));
      else tx.update(voucherKind, stored, messageOf(voucher));
    });
  }

  async get(organizationId: string, accountId: string): Promise<Voucher | undefined> {
    const stored = await this.#view.get(voucherKind, idOf(organizationId, accountId));
    return stored === undefined ? undefined : voucherOf(stored.message);
  }

  async claim(voucher: Voucher, askedAtMs: number): Promise<boolean> {
    return this.#view.transaction(async (tx) => {
      const stored = await tx.get(voucherKind, idOf(voucher.organizationId, voucher.accountId));
      if (stored === undefined) return false;
      const { vouchedAtMs, askedAtMs: askedBeforeMs } = voucherOf(stored.message);
      if (vouchedAtMs !== voucher.vouchedAtMs || askedBeforeMs !== voucher.askedAtMs) return false;
      tx.update(voucherKind, stored, messageOf({ ...voucher, askedAtMs }));
      return true;
    });
  }

  async remove(organizationId: string, accountId: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(voucherKind, idOf(organizationId, accountId));
      if (stored !== undefined) tx.delete(voucherKind, stored);
    });
  }
}

function idOf(organizationId: string, accountId: string): string {
  return `${organizationId}/${accountId}`;
}

function messageOf({ vouchedAtMs, askedAtMs, expiresAtMs, sealedRefreshToken, ...voucher }: Voucher): VoucherRecord {
  return create(VoucherRecordSchema, {
    ...voucher,
    refreshToken: sealedRefreshToken,
    vouchedAt: timestampFromMs(vouchedAtMs),
    askedAt: timestampFromMs(askedAtMs),
    expiresAt: timestampFromMs(expiresAtMs),
  });
}

function voucherOf(message: VoucherRecord): Voucher {
  const { organizationId, accountId, providerId, providerSubject, refreshToken, vouchedAt, askedAt, expiresAt } = message;
  const times = { vouchedAtMs: msOf(vouchedAt), askedAtMs: msOf(askedAt), expiresAtMs: msOf(expiresAt) };
  return { organizationId, accountId, providerId, providerSubject, sealedRefreshToken: refreshToken, ...times };
}
