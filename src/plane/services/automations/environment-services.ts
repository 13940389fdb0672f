import { clone, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../../contract/berth-error.ts";
import {
  type EnvironmentAutomationService,
  type Service,
  ServiceMetadataSchema,
  ServicePhase,
  ServiceRole,
  ServiceSchema,
  ServiceSpec_CommandsSchema,
  ServiceSpecSchema,
  ServiceStatusSchema,
  type UpdateServiceRequest,
  type UpdateServiceRequest_ServiceStatus,
} from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { ResourceOperation } from "../../../contract/gen/gitpod/v1/event_pb.js";
import { Principal } from "../../../contract/gen/gitpod/v1/identity_pb.js";
import { uuidV7 } from "../../../lib/uuid.ts";
import { subjectOf } from "../../caller.ts";
import { environmentServiceKind } from "../../store/automation-kinds.ts";
import { environmentKind } from "../../store/kinds.ts";
import type { Transaction } from "../../store/store.ts";
import { found } from "../found.ts";
import type { AutomationDependencies } from "./automation-service.ts";
import { listed, ofEnvironments } from "./filters.ts";

/** More of them would make an environment's removal one very long transaction. */
export const maxAutomations = 100;

const { RUNNING, STOPPED, FAILED, DELETED, UNSPECIFIED } = ServicePhase;
/** In which a service runs nothing. */
const restingPhases: readonly ServicePhase[] = [UNSPECIFIED, STOPPED, FAILED, DELETED];

type Methods = Pick<
  ServiceImpl<typeof EnvironmentAutomationService>,
  "createService" | "getService" | "listServices" | "updateService" | "deleteService" | "startService" | "stopService"
>;

/** Services of environments: programs that run until they are stopped. */
export function environmentServices({ scopeOf, now }: AutomationDependencies): Methods {
  const change = async (id: string, context: HandlerContext, work: (draft: Service) => void): Promise<void> =>
    scopeOf(context).store.transaction(async (tx) => {
      const stored = await found(tx, environmentServiceKind, id, "service");
      const draft = clone(ServiceSchema, stored.message);
      work(draft);
      if (draft.spec !== undefined) draft.spec.specVersion += 1n;
      tx.update(environmentServiceKind, stored, draft);
    });
  return {
    createService: async ({ environmentId, metadata, spec }, context) => {
      const { caller, store } = scopeOf(context);
      if (metadata === undefined || spec?.commands === undefined)
        throw new BerthError("request-invalid", "metadata and spec.commands.start are needed");
      const service = newService(environmentId, { metadata: { ...metadata, creator: subjectOf(caller) }, spec }, now());
      await store.transaction(async (tx) => {
        await found(tx, environmentKind, environmentId, "environment");
        await checkRoom(tx, environmentId);
        tx.insert(environmentServiceKind, service.id, service);
      });
      return { service };
    },
    getService: async ({ id }, context) => ({
      service: (await found(scopeOf(context).store, environmentServiceKind, id, "service")).message,
    }),
    listServices: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const where = {
        ...(await ofEnvironments(scope, filter?.environmentIds)),
        ...listed("labels", filter?.references),
        ...listed("ids", filter?.serviceIds),
        ...listed("roles", filter?.roles),
      };
      const { items, nextToken } = await scope.store.list(environmentServiceKind, pagination, { where });
      return { services: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateService: async (request, context) => {
      const { caller } = scopeOf(context);
      const { id, metadata, spec, status } = request;
      if (status !== undefined && caller.principal !== Principal.ENVIRONMENT)
        throw new BerthError("not-allowed", "the environment alone says how its services are");
      if (metadata !== undefined || spec !== undefined) await change(id, context, (draft) => applyUpdate(draft, request));
      if (status !== undefined) await observe(scopeOf(context).store, id, status);
      return {};
    },
    deleteService: async ({ id, force }, context) => {
      await scopeOf(context).store.transaction(async (tx) => {
        const stored = await found(tx, environmentServiceKind, id, "service");
        if (force || isResting(stored.message)) return tx.delete(environmentServiceKind, stored);
        const draft = clone(ServiceSchema, stored.message);
        wish(draft, DELETED);
        if (draft.spec !== undefined) draft.spec.specVersion += 1n;
        tx.update(environmentServiceKind, stored, draft);
      });
      return {};
    },
    startService: async ({ id }, context) => {
      await change(id, context, (draft) => {
        wish(draft, RUNNING);
        // What has ended is run again only in another session.
        if (draft.spec !== undefined) draft.spec.session = uuidV7(now());
      });
      return {};
    },
    stopService: async ({ id }, context) => {
      await change(id, context, (draft) => wish(draft, STOPPED));
      return {};
    },
  };
}

/** A service as it is kept first. */
export function newService(
  environmentId: string,
  { metadata, spec }: { readonly metadata: NonNullable<Service["metadata"]>; readonly spec: NonNullable<Service["spec"]> },
  nowMs: number,
): Service {
  const desiredPhase = spec.desiredPhase === UNSPECIFIED ? STOPPED : spec.desiredPhase;
  if (![RUNNING, STOPPED].includes(desiredPhase))
    throw new BerthError("request-invalid", "spec.desired_phase may be SERVICE_PHASE_RUNNING or SERVICE_PHASE_STOPPED");
  const role = metadata.role === ServiceRole.UNSPECIFIED ? ServiceRole.DEFAULT : metadata.role;
  return create(ServiceSchema, {
    id: uuidV7(nowMs),
    environmentId,
    metadata: { ...metadata, role, createdAt: timestampFromMs(nowMs) },
    spec: { ...spec, desiredPhase, specVersion: 1n, session: spec.session === "" ? uuidV7(nowMs) : spec.session },
    status: { statusVersion: 1n, phase: STOPPED },
  });
}

/** Fails with `request-invalid` when the environment has all it may have. */
export async function checkRoom(tx: Transaction, environmentId: string, more = 1): Promise<void> {
  const there = await tx.all(environmentServiceKind, { where: { parentIds: [environmentId] } });
  if (there.length + more > maxAutomations)
    throw new BerthError("request-invalid", `an environment has ${maxAutomations} services at most`);
}

/** What the environment says of a service; one that is to be deleted goes when it rests. */
async function observe(
  store: { transaction<T>(work: (tx: Transaction) => Promise<T>, options: { readonly isObserved: true }): Promise<T> },
  id: string,
  status: UpdateServiceRequest_ServiceStatus,
): Promise<void> {
  await store.transaction(
    async (tx) => {
      const stored = await found(tx, environmentServiceKind, id, "service");
      const draft = clone(ServiceSchema, stored.message);
      applyStatus(draft, status);
      if (draft.spec?.desiredPhase === DELETED && isResting(draft)) tx.delete(environmentServiceKind, stored);
      else tx.update(environmentServiceKind, stored, draft, { operation: ResourceOperation.UPDATE_STATUS });
    },
    { isObserved: true },
  );
}

function applyStatus(draft: Service, { phase, failureMessage, logUrl, session, output }: UpdateServiceRequest_ServiceStatus): void {
  const status = (draft.status ??= create(ServiceStatusSchema));
  status.statusVersion += 1n;
  status.phase = phase ?? status.phase;
  status.failureMessage = failureMessage ?? status.failureMessage;
  status.logUrl = logUrl ?? status.logUrl;
  status.session = session ?? status.session;
  for (const [name, value] of Object.entries(output)) {
    if (value === "") delete status.output[name];
    else status.output[name] = value;
  }
}

function applyUpdate(draft: Service, { metadata, spec: wanted }: UpdateServiceRequest): void {
  const known = (draft.metadata ??= create(ServiceMetadataSchema));
  known.name = metadata?.name ?? known.name;
  known.description = metadata?.description ?? known.description;
  known.triggeredBy = metadata?.triggeredBy?.trigger ?? known.triggeredBy;
  known.role = metadata?.role ?? known.role;
  if (wanted === undefined) return;
  if (!isResting(draft)) throw new BerthError("service-running", known.reference);
  const spec = (draft.spec ??= create(ServiceSpecSchema));
  spec.commands ??= create(ServiceSpec_CommandsSchema);
  if (wanted.commands?.start === "") throw new BerthError("request-invalid", "spec.commands.start is empty");
  spec.commands.start = wanted.commands?.start ?? spec.commands.start;
  spec.commands.ready = wanted.commands?.ready ?? spec.commands.ready;
  spec.commands.stop = wanted.commands?.stop ?? spec.commands.stop;
  if (wanted.runsOn !== undefined) spec.runsOn = wanted.runsOn;
  if (wanted.env.length > 0) spec.env = wanted.env;
  if (wanted.readinessTimeout !== undefined) spec.readinessTimeout = wanted.readinessTimeout;
}

function wish(draft: Service, phase: ServicePhase): void {
  draft.spec ??= create(ServiceSpecSchema);
  if (draft.spec.desiredPhase === DELETED && phase !== DELETED) throw new BerthError("environment-busy", "the service is being deleted");
  draft.spec.desiredPhase = phase;
}

/** Whether it runs nothing, and nothing will be run for it that was asked for. */
function isResting({ status, spec }: Service): boolean {
  return restingPhases.includes(status?.phase ?? UNSPECIFIED) && spec?.desiredPhase !== RUNNING;
}
