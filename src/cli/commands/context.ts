import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Option, type Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { type Context, Context_State, type SignInResponse } from "../../contract/gen/berth/v1/context_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { findContext } from "../contexts.ts";
import { interruptible } from "../interrupt.ts";
import { openSecretLink } from "../open-link.ts";
import { printJson, printTable, say } from "../output.ts";
import { readSecret } from "../prompt.ts";
import { registerContextWork } from "./context-work.ts";
import { jsonOption } from "./options.ts";

/** Those that take the name of a context. */
export const contextCommands = ["sign-in", "sign-out", "remove", "classes", "changes"] as const;

interface JsonOptions {
  readonly json?: true;
}

interface EndOptions extends JsonOptions {
  readonly discardChanges?: boolean;
}

interface SignInOptions extends JsonOptions {
  readonly device?: true;
  readonly withToken?: true;
  readonly open: boolean;
}

const signOutNote = "The plane could not be told: what it gave is valid there until it expires.";
const tokenNote = "The personal access token is valid until it expires or you delete it at the plane.";

/** `berth context …`: remote planes, and signing in to them. */
export function registerContext(program: Command): void {
  const context = program
    .command("context")
    .description(
      "Planes that this computer knows: add, list, sign-in, sign-out, remove, classes, changes, take-back. None is needed for what runs here",
    );
  context
    .command("add")
    .argument("<url>", "https address of the plane")
    .description("Add a plane")
    .option("--name <name>", "what to call it; without it, its host")
    .addOption(jsonOption())
    .action(add);
  context.command("list").alias("ls").description("List them").addOption(jsonOption()).action(list);
  context
    .command("sign-in")
    .argument("[context]", "its name; not needed when there is one")
    .description("Sign in with the browser")
    .addOption(new Option("--device", "by a code that is entered on another device").conflicts("withToken"))
    .option("--with-token", "with a personal access token, which is read from the standard input")
    .option("--no-open", "show the address, but open no browser")
    .addOption(jsonOption())
    .action(async (wanted: string | undefined, options: SignInOptions) => interruptible(async (signal) => signIn(wanted, options, signal)));
  context
    .command("sign-out")
    .argument("[context]", "its name; not needed when there is one")
    .description("Sign out, here and at the plane")
    .addOption(discardOption())
    .addOption(jsonOption())
    .action(signOut);
  context
    .command("remove")
    .argument("<context>", "its name")
    .description("Sign out and forget the plane")
    .addOption(discardOption())
    .addOption(jsonOption())
    .action(remove);
  registerContextWork(context);
}

function discardOption(): Option {
  return new Option("--discard-changes", "also when there are changes that the plane has not been told");
}

async function add(url: string, { name, json }: JsonOptions & { readonly name?: string }): Promise<void> {
  const { contexts } = await connectHost();
  const { context } = await contexts.addContext({ planeUrl: url, name: name ?? "" });
  if (context === undefined) return;
  if (json) printJson(factsOf(context));
  else say(`Added ${context.planeUrl} as ${context.name}. Sign in with: berth context sign-in ${context.name}`);
}

async function list({ json }: JsonOptions): Promise<void> {
  const { contexts } = await (await connectHost()).contexts.listContexts({});
  if (json) return contexts.forEach((context) => printJson(factsOf(context)));
  if (contexts.length === 0) return say("No plane was added, and none is needed for what runs here. Add one with: berth context add URL");
  printTable(
    [
      { title: "NAME", minWidth: 8 },
      { title: "STATE" },
      { title: "WHO", minWidth: 8 },
      { title: "ORGANIZATION", minWidth: 8 },
      { title: "PLANE" },
    ],
    contexts.map((context) => [
      context.name,
      stateOf(context),
      context.accountName,
      context.organizationName === "" ? context.organizationId : context.organizationName,
      context.planeUrl,
    ]),
  );
}

async function signIn(wanted: string | undefined, options: SignInOptions, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { contextId, name } = await findContext(clients, wanted);
  const steps = clients.contexts.signIn({ contextId, method: await methodOf(options, signal) }, { signal });
  for await (const step of steps) {
    if (step.progress.case !== "signedIn") {
      await tell(step, clients, options);
      continue;
    }
    const context = step.progress.value;
    if (context.sessionOnlyBecause !== "") say(`The sign-in ends with Berth: ${context.sessionOnlyBecause}`);
    if (options.json) printJson(factsOf(context));
    else say(`Signed in to ${name} as ${context.accountName}.`);
  }
}

async function methodOf({ device, withToken }: SignInOptions, signal: AbortSignal) {
  if (device) return { case: "deviceCode" as const, value: {} };
  if (!withToken) return { case: "browser" as const, value: {} };
  const token = (await readSecret("Paste the token, which is not shown, and press Enter: ", signal)).trim();
  if (token === "") throw new BerthError("argument-invalid", "no token was given on the standard input");
  return { case: "personalAccessToken" as const, value: token };
}

/** What the person has to do now, on stderr. */
async function tell({ progress }: SignInResponse, { paths }: HostClients, { open }: SignInOptions): Promise<void> {
  if (progress.case === "browserUrl") {
    const opened = open && (await openSecretLink(progress.value, paths.run)) === undefined;
    say(opened ? "Go on in your browser. If it did not open, open this address on this computer:" : "Open this address on this computer:");
    say(`\n  ${progress.value}\n`);
  }
  if (progress.case === "deviceCode") {
    const { userCode, verificationUrl, expiresAt } = progress.value;
    const until = expiresAt === undefined ? "" : `, until ${timestampDate(expiresAt).toLocaleTimeString()}`;
    say(`Open ${verificationUrl} on any device and enter this code${until}:\n\n  ${userCode}\n`);
  }
}

async function signOut(wanted: string | undefined, { json, discardChanges = false }: EndOptions): Promise<void> {
  const clients = await connectHost();
  const context = await findContext(clients, wanted);
  const { revoked } = await clients.contexts.signOut({ contextId: context.contextId, discardChanges });
  if (json) return printJson({ id: context.contextId, name: context.name, revoked });
  say(`Signed out of ${context.name}.`);
  sayNote(context, revoked);
}

async function remove(wanted: string, { json, discardChanges = false }: EndOptions): Promise<void> {
  const clients = await connectHost();
  const context = await findContext(clients, wanted);
  const { revoked } = await clients.contexts.removeContext({ contextId: context.contextId, discardChanges });
  if (json) return printJson({ id: context.contextId, name: context.name, removed: true, revoked });
  say(`Removed ${context.name}.`);
  sayNote(context, revoked);
}

function sayNote({ personalAccessToken }: Context, revoked: boolean): void {
  if (!revoked) say(personalAccessToken ? tokenNote : signOutNote);
}

function stateOf({ state }: Context): string {
  return (Context_State[state] ?? "unknown").toLowerCase().replace("_", "-");
}

/** A context in the JSON of the commands (docs/CLI.md). */
function factsOf(context: Context) {
  return {
    id: context.contextId,
    name: context.name,
    url: context.planeUrl,
    state: stateOf(context),
    detail: context.detail,
    account: context.accountId,
    accountName: context.accountName,
    organization: context.organizationId,
    organizationName: context.organizationName,
    personalAccessToken: context.personalAccessToken,
    sessionOnlyBecause: context.sessionOnlyBecause,
    waitingChanges: context.waitingChanges,
    lastReachedAt: context.lastReachedAt === undefined ? "" : timestampDate(context.lastReachedAt).toISOString(),
  };
}
