import { join } from "node:path";
import { fileRunnerState } from "../../bridge/runner/runner-state.ts";
import { parsePlaneAddress } from "../../contract/plane-address.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { isErrno } from "../../lib/errno.ts";
import { runnerHome, type SetupRequest } from "../../lib/runner-messages.ts";
import { runnerPaths } from "./runner-paths.ts";

/**
 * The plane whose runner the computer below this root is; undefined where it is nobody's. Fails with `setting-invalid` for a
 * credential that is none of ours, or `runner-needs-root`.
 */
export async function planeOfRunner(root: string): Promise<string | undefined> {
  try {
    const state = await fileRunnerState(join(root, runnerPaths(runnerHome).credential)).load();
    return state?.accessToken === undefined ? undefined : state.planeUrl;
  } catch (error) {
    if (isErrno(error, "EACCES"))
      throw new BerthError("runner-needs-root", "only root sees whose runner this computer is", { cause: error });
    throw error;
  }
}

/** Says which plane a repeated set-up is for. Fails with `argument-invalid` when that cannot be had without a token. */
export function settlePlane(request: SetupRequest, before: string | undefined): SetupRequest {
  const { exchangeToken, planeUrl, standAlone } = request;
  if (standAlone || exchangeToken !== undefined) return request;
  const ways = "--exchange-token-file FILE, or --stand-alone for a runner without a plane";
  if (before === undefined) throw new BerthError("argument-invalid", `an exchange token is missing: ${ways}`);
  if (planeUrl !== undefined && planeUrl !== parsePlaneAddress(before).href)
    throw new BerthError("argument-invalid", `this is a runner of ${before}; to make it one of ${planeUrl}: ${ways}`);
  return { ...request, planeUrl: before };
}
