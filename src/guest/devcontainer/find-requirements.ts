import { findConfigs, chooseConfig } from "./find-configs.ts";
import { hostRequirements, loadConfig } from "./config.ts";

/** A machine has no more of anything; what the repository asks for beyond is refused when the container is made. */
const most = 2 ** 50;
const nothing = { cpus: 0, memoryBytes: 0n, storageBytes: 0n };

/** How big a machine the configuration that will be chosen asks for. What is wrong with it is told when it is brought up. */
export async function findRequirements(repository: string, configPath: string) {
  try {
    const choice = chooseConfig(await findConfigs(repository), configPath);
    if (choice.kind !== "config") return nothing;
    const { cpus, memoryBytes, storageBytes } = hostRequirements((await loadConfig(repository, choice.path)).config);
    const whole = (bytes: number): bigint => BigInt(Math.min(most, Math.ceil(bytes)));
    return { cpus: Math.min(cpus, 1024), memoryBytes: whole(memoryBytes), storageBytes: whole(storageBytes) };
  } catch {
    return nothing;
  }
}
