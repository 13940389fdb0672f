import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EditorService } from "../../../src/contract/gen/gitpod/v1/editor_pb.js";
import {
  AdmissionLevel,
  EnvironmentPhase,
  EnvironmentService,
  EnvironmentStatus_ContentSchema,
} from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { OrganizationService, type UpdateOrganizationPoliciesRequestSchema } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService, RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { followArchivePolicies } from "../../../src/plane/archived-environments.ts";
import { EnvironmentRecords } from "../../../src/plane/environment-records.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

const dayMs = 24 * 60 * 60_000;
const repository = "https://github.com/o/r";
const contentOf = (url: string) => ({ initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } });

describe.each([sqliteDatabases(), postgresDatabases()])("policies of organizations on $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let bob: Person;
  let environments: Client<typeof EnvironmentService>;

  beforeAll(async () => {
    await databases.start();
    server = await ServedServer.start(databases);
  });
  afterAll(async () => {
    await server.stop();
    await databases.stop();
  });
  beforeEach(async () => {
    ada = await server.founder("Ada");
    bob = await server.member(ada.organizationId, "Bob");
    environments = server.as(bob, EnvironmentService);
    await runner("cloud", RunnerKind.REMOTE);
  });

  async function runner(name: string, kind: RunnerKind): Promise<string> {
    const { runner: made } = await server.as(ada, RunnerService).createRunner({ name, kind, provider: RunnerProvider.LINUX_HOST });
    const wanted = { runnerId: made!.runnerId, displayName: name, description: name };
    return (await server.as(ada, RunnerConfigurationService).createEnvironmentClass(wanted)).id;
  }

  async function allow(policies: Omit<MessageInitShape<typeof UpdateOrganizationPoliciesRequestSchema>, "organizationId" | "$typeName">) {
    await server.as(ada, OrganizationService).updateOrganizationPolicies({ organizationId: ada.organizationId, ...policies });
  }

  /** An environment of Bob's. */
  async function environment(desiredPhase = EnvironmentPhase.STOPPED): Promise<string> {
    return (await environments.createEnvironment({ spec: { desiredPhase, content: contentOf(repository) } })).environment!.id;
  }

  /** The policy in whose name a call was refused. */
  async function refusedBy(call: Promise<unknown>): Promise<string> {
    return call.then(
      () => "nothing",
      (error: unknown) => {
        const { code, rawMessage } = ConnectError.from(error);
        return code === Code.FailedPrecondition ? (/does not allow it: (\w+)/.exec(rawMessage)?.[1] ?? rawMessage) : rawMessage;
      },
    );
  }

  test("nobody has more environments, or more running at once, than the organization says, also when they are made at once", async () => {
    await allow({ maximumEnvironmentsPerUser: 2n });
    const codes = await Promise.all([environment(), environment(), environment()].map(async (made) => refusedBy(made)));
    expect(codes.toSorted()).toEqual(["maximum_environments_per_user", "nothing", "nothing"]);
    const [id = ""] = (await environments.listEnvironments({})).environments.map((one) => one.id);
    await environments.deleteEnvironment({ environmentId: id });
    const third = await environment();
    // Another person's are not counted.
    const carol = server.as(await server.member(ada.organizationId, "Carol"), EnvironmentService);
    expect(await refusedBy(carol.createEnvironment({ spec: { content: contentOf(repository) } }))).toBe("nothing");
    await allow({ maximumEnvironmentsPerUser: 0n, maximumRunningEnvironmentsPerUser: 1n });
    const fourth = await environment(EnvironmentPhase.RUNNING);
    expect(await refusedBy(environments.startEnvironment({ environmentId: third }))).toBe("maximum_running_environments_per_user");
    expect(await refusedBy(environment(EnvironmentPhase.RUNNING))).toBe("maximum_running_environments_per_user");
    expect(await refusedBy(environments.startEnvironment({ environmentId: fourth }))).toBe("nothing");
    await environments.stopEnvironment({ environmentId: fourth });
    const starts = [third, fourth].map(async (environmentId) => refusedBy(environments.startEnvironment({ environmentId })));
    expect((await Promise.all(starts)).toSorted()).toEqual(["maximum_running_environments_per_user", "nothing"]);
  });

  test("members make environments of projects alone, and of their repositories alone", async () => {
    const made = await server.as(ada, ProjectService).createProject({ name: "shop", initializer: contentOf(repository).initializer });
    const projectId = made.project!.id;
    await allow({ membersRequireProjects: true });
    expect(await refusedBy(environment())).toBe("members_require_projects");
    const other = { content: contentOf("https://github.com/o/other") };
    expect(await refusedBy(environments.createEnvironmentFromProject({ projectId, spec: other }))).toBe("members_require_projects");
    const branch = { content: contentOf(`${repository}/tree/feature`) };
    expect(await refusedBy(environments.createEnvironmentFromProject({ projectId, spec: branch }))).toBe("nothing");
    const { environment: own } = await environments.createEnvironmentFromProject({ projectId });
    expect(await refusedBy(environments.updateEnvironment({ environmentId: own!.id, spec: other }))).toBe("members_require_projects");
    const adas = server.as(ada, EnvironmentService);
    expect(await refusedBy(adas.createEnvironment({ spec: { content: contentOf(repository) } }))).toBe("nothing");
  });

  test("an environment has the organization's image and ends when it says", async () => {
    await allow({ defaultEnvironmentImage: "registry.example/base:1", maximumEnvironmentLifetime: durationFromMs(dayMs) });
    const made = await environments.createEnvironment({ spec: { content: contentOf(repository) } });
    const { id = "", spec, metadata } = made.environment ?? {};
    expect(spec?.devcontainer?.defaultDevcontainerImage).toBe("registry.example/base:1");
    const lockdownMs = timestampMs(metadata!.lockdownAt!);
    expect(Math.abs(lockdownMs - timestampMs(metadata!.createdAt!) - dayMs)).toBeLessThan(1000);
    const later = { lockdownAt: timestampFromMs(lockdownMs + dayMs) };
    expect(await refusedBy(environments.updateEnvironment({ environmentId: id, metadata: later }))).toBe("maximum_environment_lifetime");
    const sooner = { lockdownAt: timestampFromMs(Date.now() - 1000) };
    expect(await refusedBy(environments.updateEnvironment({ environmentId: id, metadata: sooner }))).toBe("nothing");
    expect(await codeOf(environments.startEnvironment({ environmentId: id }))).toBe(Code.FailedPrecondition);
  });

  test("ports are not shared, and people's own computers are no runners, where the organization says so", async () => {
    const laptop = await runner("laptop", RunnerKind.LOCAL);
    await allow({ portSharingDisabled: true, allowLocalRunners: false });
    const ports = [{ port: 8080, name: "web", admission: AdmissionLevel.ORGANIZATION }];
    expect(await refusedBy(environments.createEnvironment({ spec: { content: contentOf(repository), ports } }))).toBe(
      "port_sharing_disabled",
    );
    const environmentId = await environment();
    expect(await refusedBy(environments.updateEnvironment({ environmentId, spec: { ports } }))).toBe("port_sharing_disabled");
    const spec = { content: contentOf(repository), machine: { class: laptop } };
    expect(await refusedBy(environments.createEnvironment({ spec }))).toBe("allow_local_runners");
    expect(await refusedBy(runner("another", RunnerKind.LOCAL))).toBe("allow_local_runners");
  });

  test("only the editors that the organization names are opened", async () => {
    const editors = server.as(bob, EditorService);
    const environmentId = await environment();
    await allow({ allowedEditorIds: ["vscode"], defaultEditorId: "vscode" });
    const open = async (editorId: string): Promise<string> =>
      refusedBy(editors.resolveEditorURL({ editorId, environmentId, organizationId: ada.organizationId }));
    expect(await open("018f0000-0000-7000-8000-000000000005")).toBe("allowed_editor_ids");
    expect(await open("018f0000-0000-7000-8000-000000000001")).toContain("not running");
    expect((await editors.listEditors({ filter: { allowedByPolicy: true } })).editors.map(({ alias }) => alias)).toEqual(["vscode"]);
    expect((await editors.listEditors({})).editors.length).toBeGreaterThan(1);
    expect(await codeOf(allow({ allowedEditorIds: ["emacs"] }))).toBe(Code.InvalidArgument);
    expect(await codeOf(allow({ defaultEditorId: "zed" }))).toBe(Code.InvalidArgument);
  });

  test("what Berth could not hold is not taken", async () => {
    for (const unheld of [
      { maximumEnvironmentTimeout: durationFromMs(dayMs) },
      { restrictAccountCreationToScim: true },
      { requireCustomDomainAccess: true },
      { vetoExecPolicy: { enabled: true } },
      { editorVersionRestrictions: { vscode: { allowedVersions: ["1"] } } },
    ])
      expect(await codeOf(allow(unheld)), JSON.stringify(Object.keys(unheld))).toBe(Code.Unimplemented);
    expect(await codeOf(allow({ maximumEnvironmentTimeout: durationFromMs(0), webBrowserDisabled: true }))).toBeUndefined();
  });

  test("unused environments are archived, and archived ones deleted, after the time that the organization says", async () => {
    const [unused, used, archived] = [await environment(), await environment(EnvironmentPhase.RUNNING), await environment()];
    const withWork = await environment();
    for (const environmentId of [archived, withWork]) await environments.archiveEnvironment({ environmentId });
    await allow({ archiveEnvironmentsAfter: durationFromMs(2 * dayMs), deleteArchivedEnvironmentsAfter: durationFromMs(dayMs) });
    const after = async (days: number): Promise<void> =>
      followArchivePolicies(server.store, () => Date.now() + days * dayMs, new AbortController().signal);
    const records = new EnvironmentRecords(server.store.inOrganization(ada.organizationId), Date.now);
    const content = create(EnvironmentStatus_ContentSchema, { git: { totalUnpushedCommits: 1 } });
    await records.changeStatus(withWork, (status) => ({ ...status, content }));
    const phaseOf = async (id: string) => (await records.get(id)).spec?.desiredPhase;
    const isArchived = async (id: string) => (await records.get(id)).metadata?.archivedAt !== undefined;
    await after(0.9);
    expect(await phaseOf(archived)).toBe(EnvironmentPhase.STOPPED);
    await after(1.1);
    expect(await phaseOf(archived)).toBe(EnvironmentPhase.DELETED);
    expect(await phaseOf(withWork)).toBe(EnvironmentPhase.STOPPED);
    expect(await isArchived(unused)).toBe(false);
    await after(2.1);
    expect([await isArchived(unused), await isArchived(used)]).toEqual([true, false]);
    expect(await phaseOf(unused)).toBe(EnvironmentPhase.STOPPED);
    const { entries } = await server.as(ada, EventService).listAuditLogs({ filter: { subjectIds: [archived] } });
    expect(entries[0]).toMatchObject({ actorId: "", subjectId: archived });
  });
});
