import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { CountResponseRelation } from "../../contract/gen/gitpod/v1/count_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import {
  type CreateProjectRequest,
  type ListProjectsRequest_Filter,
  type Project,
  ProjectMetadataSchema,
  ProjectPhase,
  ProjectSchema,
  type ProjectService,
  type UpdateProjectRequest,
} from "../../contract/gen/gitpod/v1/project_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { subjectOf } from "../caller.ts";
import type { RequestScope } from "../request-scope.ts";
import { roleAssignmentKind } from "../store/identity-kinds.ts";
import { environmentKind, secretKind } from "../store/kinds.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { Where } from "../store/store.ts";
import { visibleProjects } from "../access/visibility.ts";
import { found } from "./found.ts";
import { mayAdministerProjects, policiesOf } from "./organization-policies.ts";
import { projectClasses } from "./project-classes.ts";
import type { ProjectDependencies } from "./project-dependencies.ts";
import { projectPolicies } from "./project-policies.ts";
import { checkSpec, refuse } from "./supported-spec.ts";
import { EnvironmentSpecSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";

/** gitpod.v1.ProjectService: what environments are made from again and again. */
export function projectService(dependencies: ProjectDependencies): Partial<ServiceImpl<typeof ProjectService>> {
  return { ...single(dependencies), ...several(dependencies), ...projectPolicies(dependencies), ...projectClasses(dependencies) };
}

function single(dependencies: ProjectDependencies): Partial<ServiceImpl<typeof ProjectService>> {
  const { scopeOf, now } = dependencies;
  return {
    createProject: async (request, context) => ({ project: await createProject(dependencies, scopeOf(context), request) }),
    createProjectFromEnvironment: async ({ name, environmentId }, context) => {
      const scope = scopeOf(context);
      const environment = (await found(scope.store, environmentKind, environmentId, "environment")).message;
      const { content, devcontainer, automationsFile } = environment.spec ?? {};
      const request = {
        name,
        initializer: content?.initializer,
        devcontainerFilePath: devcontainer?.devcontainerFilePath ?? "",
        automationsFilePath: automationsFile?.automationsFilePath ?? "",
        technicalDescription: "",
      };
      return { project: await createProject(dependencies, scope, request) };
    },
    getProject: async ({ projectId }, context) => ({
      project: (await found(scopeOf(context).store, projectKind, projectId, "project")).message,
    }),
    updateProject: async (request, context) => ({ project: await updateProject(scopeOf(context), request, now()) }),
    deleteProject: async ({ projectId }, context) => {
      await deleteProject(scopeOf(context), projectId);
      return {};
    },
    listProjects: async ({ pagination, filter, sort, count }, context) => {
      const scope = scopeOf(context);
      const { store } = scope;
      const where = { ...wanted(filter), ...(await visibleProjects(scope)) };
      const { items, nextToken } = await store.list(projectKind, pagination, {
        where,
        orderBy: orderOf(sort?.field ?? ""),
        order: sort?.order === SortOrder.DESC ? "descending" : "ascending",
      });
      const value = count?.include === true ? await store.count(projectKind, where) : undefined;
      return {
        projects: items.map(({ message }) => message),
        pagination: { nextToken },
        ...(value === undefined ? {} : { count: { value, relation: CountResponseRelation.EQ } }),
      };
    },
  };
}

/** Each is done by itself; what one failed of is told beside those that were done. */
function several(dependencies: ProjectDependencies): Partial<ServiceImpl<typeof ProjectService>> {
  const { scopeOf, now } = dependencies;
  const each = async <T, Done, Failure>(
    items: readonly T[],
    work: (item: T) => Promise<Done>,
    failure: (item: T, index: number, error: string) => Failure,
  ): Promise<{ done: Done[]; failed: Failure[] }> => {
    const done: Done[] = [];
    const failed: Failure[] = [];
    for (const [index, item] of items.entries()) {
      try {
        done.push(await work(item));
      } catch (error) {
        if (!(error instanceof BerthError) || error.code === "store-unavailable") throw error;
        failed.push(failure(item, index, error.detail));
      }
    }
    return { done, failed };
  };
  const scopeIn = (context: HandlerContext): RequestScope => scopeOf(context);
  return {
    createProjects: async ({ projects }, context) => {
      const work = async (request: CreateProjectRequest): Promise<Project> => createProject(dependencies, scopeIn(context), request);
      const { done, failed } = await each(projects, work, ({ name }, index, error) => ({ index, name, error }));
      return { createdProjects: done, failedProjects: failed };
    },
    updateProjects: async ({ projects }, context) => {
      const work = async (request: UpdateProjectRequest): Promise<Project> => updateProject(scopeIn(context), request, now());
      const { done, failed } = await each(projects, work, ({ projectId }, index, error) => ({ index, projectId, error }));
      return { updatedProjects: done, failedProjects: failed };
    },
    deleteProjects: async ({ projectIds }, context) => {
      const work = async (id: string): Promise<string> => deleteProject(scopeIn(context), id);
      const { done, failed } = await each(projectIds, work, (projectId, index, error) => ({ index, projectId, error }));
      return { deletedProjectIds: done, failedProjects: failed };
    },
  };
}

type NewProject = Pick<
  CreateProjectRequest,
  "name" | "initializer" | "devcontainerFilePath" | "automationsFilePath" | "technicalDescription" | "prebuildConfiguration"
>;

async function createProject({ now }: ProjectDependencies, scope: RequestScope, request: NewProject): Promise<Project> {
  const { store, caller } = scope;
  const { membersCreateProjects } = await policiesOf(store, store.organizationId);
  if (!membersCreateProjects && !mayAdministerProjects(scope))
    throw new BerthError("not-allowed", "the organization's policy leaves new projects to its administrators");
  checkProject(request);
  const at = timestampFromMs(now());
  const project = create(ProjectSchema, {
    id: uuidV7(now()),
    metadata: create(ProjectMetadataSchema, {
      organizationId: store.organizationId,
      name: request.name,
      creator: subjectOf(caller),
      createdAt: at,
      updatedAt: at,
    }),
    ...(request.initializer === undefined ? {} : { initializer: request.initializer }),
    devcontainerFilePath: request.devcontainerFilePath,
    automationsFilePath: request.automationsFilePath,
    technicalDescription: request.technicalDescription,
    desiredPhase: ProjectPhase.ACTIVE,
  });
  await store.transaction(async (tx) => tx.insert(projectKind, project.id, project));
  return project;
}

async function updateProject(scope: RequestScope, request: UpdateProjectRequest, nowMs: number): Promise<Project> {
  checkProject({ initializer: request.initializer, prebuildConfiguration: request.prebuildConfiguration });
  return scope.store.transaction(async (tx) => {
    const stored = await found(tx, projectKind, request.projectId, "project");
    const { metadata } = stored.message;
    const { name, initializer, devcontainerFilePath, automationsFilePath, technicalDescription, recommendedEditors } = request;
    const changed = create(ProjectSchema, {
      ...stored.message,
      ...(metadata === undefined ? {} : { metadata: { ...metadata, name: name ?? metadata.name, updatedAt: timestampFromMs(nowMs) } }),
      ...(initializer === undefined ? {} : { initializer }),
      ...(devcontainerFilePath === undefined ? {} : { devcontainerFilePath }),
      ...(automationsFilePath === undefined ? {} : { automationsFilePath }),
      ...(technicalDescription === undefined ? {} : { technicalDescription }),
      ...(recommendedEditors === undefined ? {} : { recommendedEditors }),
    });
    tx.update(projectKind, stored, changed);
    return changed;
  });
}

/** Its secrets and shares go with it; its environments stay and keep its id. */
async function deleteProject(scope: RequestScope, projectId: string): Promise<string> {
  await scope.store.transaction(async (tx) => {
    const stored = await found(tx, projectKind, projectId, "project");
    const where = { projectIds: [projectId] };
    for (const secret of await tx.all(secretKind, { where })) tx.delete(secretKind, secret);
    for (const assignment of await tx.all(roleAssignmentKind, { where })) tx.delete(roleAssignmentKind, assignment);
    tx.delete(projectKind, stored);
  });
  return projectId;
}

function checkProject({ initializer, prebuildConfiguration }: Partial<Pick<NewProject, "initializer" | "prebuildConfiguration">>): void {
  if (prebuildConfiguration?.enabled === true) refuse("prebuild_configuration: there are no prebuilds");
  if (initializer !== undefined) checkInitializer(initializer);
}

function checkInitializer(initializer: NonNullable<CreateProjectRequest["initializer"]>): void {
  checkSpec(create(EnvironmentSpecSchema, { content: { initializer } }));
}

function wanted(filter: ListProjectsRequest_Filter | undefined): Where {
  if (filter === undefined) return {};
  if (filter.runnerIds.length > 0 || filter.runnerKinds.length > 0) refuse("filter.runner_ids, filter.runner_kinds");
  return {
    ...(filter.projectIds.length === 0 ? {} : { ids: filter.projectIds }),
    ...(filter.creatorIds.length === 0 ? {} : { creatorIds: filter.creatorIds }),
    ...(filter.specRemoteUris.length === 0 ? {} : { labels: filter.specRemoteUris }),
    ...(filter.search === "" ? {} : { search: filter.search }),
  };
}

function orderOf(field: string): "id" | "text" {
  switch (field) {
    case "":
    case "id":
    case "createdAt":
    case "created_at":
      return "id";
    case "name":
      return "text";
    default:
      throw new BerthError("request-invalid", "sort.field: projects are sorted by name or createdAt");
  }
}
