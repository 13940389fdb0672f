import { clone, create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../../contract/berth-error.ts";
import {
  type AutomationsFile_Service,
  type AutomationsFile_Task,
  type AutomationTrigger,
  AutomationTriggerSchema,
  type EnvironmentAutomationService,
  ServiceMetadataSchema,
  ServiceRole,
  ServiceSchema,
  ServiceSpecSchema,
  TaskMetadataSchema,
  TaskSchema,
  TaskSpecSchema,
} from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import type { Subject } from "../../../contract/gen/gitpod/v1/identity_pb.js";
import { subjectOf } from "../../caller.ts";
import { environmentServiceKind, environmentTaskKind } from "../../store/automation-kinds.ts";
import { environmentKind } from "../../store/kinds.ts";
import type { Transaction } from "../../store/store.ts";
import { found } from "../found.ts";
import type { AutomationDependencies } from "./automation-service.ts";
import { checkRoom, newService } from "./environment-services.ts";
import { checkTasks, newTask } from "./environment-tasks.ts";

interface Upsert {
  readonly tx: Transaction;
  readonly environmentId: string;
  readonly creator: Subject;
  readonly nowMs: number;
}

/** Services and tasks as a file of the repository has them: new ones are made, others changed; what is not in it stays. */
export function automationsFile({
  scopeOf,
  now,
}: AutomationDependencies): Pick<ServiceImpl<typeof EnvironmentAutomationService>, "upsertAutomationsFile"> {
  return {
    upsertAutomationsFile: async ({ environmentId, automationsFile: file }, context) => {
      const { caller, store } = scopeOf(context);
      if (file === undefined) throw new BerthError("request-invalid", "automations_file is missing");
      return store.transaction(async (tx) => {
        await found(tx, environmentKind, environmentId, "environment");
        const upsert = { tx, environmentId, creator: subjectOf(caller), nowMs: now() };
        return {
          updatedServiceIds: await upsertServices(upsert, file.services),
          updatedTaskIds: await upsertTasks(upsert, file.tasks),
        };
      });
    },
  };
}

/** Gives the ids of those that are new or not as they were. What runs goes on as it was begun, until it is started anew. */
async function upsertServices(
  { tx, environmentId, creator, nowMs }: Upsert,
  services: Readonly<Record<string, AutomationsFile_Service>>,
): Promise<string[]> {
  const there = await tx.all(environmentServiceKind, { where: { parentIds: [environmentId] } });
  const known = new Map(there.map((stored) => [stored.message.metadata?.reference, stored]));
  const made = Object.keys(services).filter((reference) => !known.has(reference));
  await checkRoom(tx, environmentId, made.length);
  return Object.entries(services).flatMap(([reference, service]) => {
    const { name, description, commands, runsOn, readinessTimeout } = service;
    if (commands === undefined) throw new BerthError("request-invalid", `services: '${reference}' has no commands`);
    const metadata = { name, description, triggeredBy: triggersOf(service.triggeredBy), role: roles[service.role] ?? ServiceRole.DEFAULT };
    const spec = { commands, ...(runsOn === undefined ? {} : { runsOn }), ...(readinessTimeout === undefined ? {} : { readinessTimeout }) };
    const stored = known.get(reference);
    if (stored === undefined) {
      const whole = { metadata: create(ServiceMetadataSchema, { ...metadata, reference, creator }), spec: create(ServiceSpecSchema, spec) };
      const made = newService(environmentId, whole, nowMs);
      tx.insert(environmentServiceKind, made.id, made);
      return [made.id];
    }
    const draft = clone(ServiceSchema, stored.message);
    Object.assign((draft.metadata ??= create(ServiceMetadataSchema)), metadata);
    draft.spec ??= create(ServiceSpecSchema);
    // What the file says nothing of is as usual again.
    delete draft.spec.runsOn;
    delete draft.spec.readinessTimeout;
    Object.assign(draft.spec, spec);
    if (equals(ServiceSchema, draft, stored.message)) return [];
    draft.spec.specVersion += 1n;
    tx.update(environmentServiceKind, stored, draft);
    return [stored.id];
  });
}

async function upsertTasks(
  { tx, environmentId, creator, nowMs }: Upsert,
  tasks: Readonly<Record<string, AutomationsFile_Task>>,
): Promise<string[]> {
  const there = await tx.all(environmentTaskKind, { where: { parentIds: [environmentId] } });
  const known = new Map(there.map((stored) => [stored.message.metadata?.reference ?? "", stored]));
  const drafts = Object.entries(tasks).map(([reference, task]) => {
    const { name, description, command, runsOn, prebuildRequiresSuccess } = task;
    const metadata = { name, description, triggeredBy: triggersOf(task.triggeredBy) };
    const spec = { command, prebuildRequiresSuccess, ...(runsOn === undefined ? {} : { runsOn }) };
    const stored = known.get(reference);
    if (stored === undefined) {
      const whole = { metadata: create(TaskMetadataSchema, { ...metadata, reference, creator }), spec: create(TaskSpecSchema, spec) };
      return { reference, stored, draft: newTask(environmentId, { ...whole, dependsOn: [] }, nowMs) };
    }
    const draft = clone(TaskSchema, stored.message);
    Object.assign((draft.metadata ??= create(TaskMetadataSchema)), metadata);
    draft.spec = create(TaskSpecSchema, { env: draft.spec?.env ?? [], ...spec });
    return { reference, stored, draft };
  });
  const ids = new Map([
    ...[...known].map(([reference, { id }]) => [reference, id] as const),
    ...drafts.map(({ reference, draft }) => [reference, draft.id] as const),
  ]);
  for (const { reference, draft } of drafts) draft.dependsOn = (tasks[reference]?.dependsOn ?? []).map((other) => idOf(ids, other));
  const draftIds = drafts.map(({ draft }) => draft.id);
  const others = there.map(({ message }) => message).filter(({ id }) => !draftIds.includes(id));
  checkTasks([...others, ...drafts.map(({ draft }) => draft)], draftIds);
  return drafts.flatMap(({ stored, draft }) => {
    if (stored !== undefined && equals(TaskSchema, draft, stored.message)) return [];
    if (stored === undefined) tx.insert(environmentTaskKind, draft.id, draft);
    else tx.update(environmentTaskKind, stored, draft);
    return [draft.id];
  });
}

function idOf(ids: ReadonlyMap<string, string>, reference: string): string {
  const id = ids.get(reference);
  if (id === undefined) throw new BerthError("request-invalid", `tasks: there is no task '${reference}' to depend on`);
  return id;
}

const roles: Readonly<Record<string, ServiceRole>> = {
  default: ServiceRole.DEFAULT,
  editor: ServiceRole.EDITOR,
  "ai-agent": ServiceRole.AI_AGENT,
};

const triggers: Readonly<Record<string, MessageInitShape<typeof AutomationTriggerSchema>["trigger"]>> = {
  manual: { case: "manual", value: true },
  postEnvironmentStart: { case: "postEnvironmentStart", value: true },
  postDevcontainerStart: { case: "postDevcontainerStart", value: true },
  prebuild: { case: "prebuild", value: true },
};

function triggersOf(names: readonly string[]): AutomationTrigger[] {
  return names.flatMap((name) => {
    const trigger = triggers[name];
    return trigger === undefined ? [] : [create(AutomationTriggerSchema, { trigger })];
  });
}
