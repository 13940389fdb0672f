import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { enrolRunner } from "../../bridge/runner/enrol.ts";
import { fileRunnerState } from "../../bridge/runner/runner-state.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Enrol } from "./carry-out-setup.ts";

/** Exchanges the token at the plane; what comes of it is in a file of mode 0600. */
export const enrolWithPlane: Enrol = async ({ planeUrl, exchangeToken, credentialPath }, signal) => {
  await mkdir(dirname(credentialPath), { recursive: true, mode: 0o700 });
  await enrolRunner({ planeUrl, exchangeToken, state: fileRunnerState(credentialPath), clock: systemClock }, signal);
};
