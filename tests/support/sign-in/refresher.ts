import { SessionOfProcess } from "./session-of-process.ts";

/**
 * A process that uses a sign-in: `refresher.ts FOLDER ROUNDS HOW` takes an access token ROUNDS times, each as if the one
 * before had ended, and prints one line for each. HOW says at which moment it dies: `never`, `before-keeping` what a
 * refresh brought, or `before-using` it.
 */
const [folder = "", rounds = "1", how = "never"] = process.argv.slice(2);
const session = new SessionOfProcess(folder, how);
for (let round = 0; round < Number(rounds); round++) {
  const accessToken = await session.accessToken();
  process.stdout.write(`${accessToken}\n`);
  session.outlive();
}
