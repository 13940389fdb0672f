import type { Command } from "commander";
import { connectHost } from "../connection.ts";
import { formatBytes, formatPairs } from "../format.ts";
import { findMachineId } from "../machines.ts";
import { print, printJson, say } from "../output.ts";
import { jsonOption, machineOption, type MachineOptions } from "./options.ts";

const shownLetters = 12;

interface ImageOptions extends MachineOptions {
  readonly json?: true;
  readonly retry?: true;
}

/** `berth machine image`: which image the machine boots, and whether a new one came up. */
export function registerMachineImage(machine: Command): void {
  machine
    .command("image")
    .description("Show which image it boots, and what became of a new one")
    .option("--retry", "try an image that did not come up once more, at the next start")
    .addOption(machineOption())
    .addOption(jsonOption())
    .action(image);
}

async function image({ json, machine: name, retry }: ImageOptions): Promise<void> {
  const clients = await connectHost();
  const { host } = clients;
  const machineId = await findMachineId(clients, name);
  const { machine } = retry === true ? await host.retryMachineImage({ machineId }) : await host.getMachine({ machineId });
  const status = machine?.image;
  if (status === undefined) return;
  const facts = {
    active: status.activeSha256,
    previous: status.previousSha256,
    candidate: status.candidateSha256,
    triesLeft: status.candidateTriesLeft,
    offered: status.offeredSha256,
    sizeBytes: Number(status.activeSizeBytes),
    warning: status.warning,
    fix: status.fix,
  };
  if (json) return printJson(facts);
  const short = (identity: string): string => identity.slice(0, shownLetters);
  const lines = formatPairs([
    ["boots", facts.active === "" ? "what is offered, at its first start" : `${short(facts.active)}, ${formatBytes(facts.sizeBytes)}`],
    ["before", short(facts.previous)],
    ["tried", facts.candidate === "" ? "" : `${short(facts.candidate)}, ${facts.triesLeft} more tries`],
    ["offered", short(facts.offered)],
    ["warning", facts.warning],
    ["to try", facts.fix],
  ]);
  for (const line of lines) print(line);
  if (retry === true) say("The next start of the machine tries what is offered.");
}
