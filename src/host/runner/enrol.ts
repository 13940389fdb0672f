import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import type { Enrol } from "./carry-out-setup.ts";

/** Keeps the token where the runner exchanges it at its first start. */
export const enrolWithPlane: Enrol = async ({ planeUrl, exchangeToken, credentialPath }) => {
  await mkdir(dirname(credentialPath), { recursive: true, mode: 0o700 });
  await writeFileAtomically(credentialPath, `${JSON.stringify({ version: 1, planeUrl, exchangeToken })}\n`, 0o600);
};
