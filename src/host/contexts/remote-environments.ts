import { create } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";
import { planeCallFailure } from "../../bridge/plane-transport.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { parseContextUrl } from "../../contract/context-url.ts";
import { type RemoteEnvironmentClass, RemoteEnvironmentClassSchema } from "../../contract/gen/berth/v1/context_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentService,
  type EnvironmentSpec,
  EnvironmentSpecSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { ChangeKind } from "./change-rule.ts";
import { plain } from "./list-environments.ts";

/** By which the plane answers a repeated creation with what the first one made. */
const idempotencyKeyHeader = "Idempotency-Key";
/** 1 to 100 printable characters. */
const creationIdPattern = /^[\x21-\x7e]{1,100}$/;
const classPageSize = 100;
const maxClassPages = 10;

/** Makes a call with the token of who is signed in. */
export type CallPlane = <T>(make: (options: CallOptions) => Promise<T>, signal: AbortSignal) => Promise<T>;

export interface NewRemoteEnvironment {
  readonly creationId: string;
  readonly url: string;
  readonly classId: string;
  readonly name: string;
  readonly projectId: string;
  readonly devcontainerFilePath: string;
}

/** What somebody wants to happen to an environment of a plane. */
export interface WantedChange {
  readonly environmentId: string;
  readonly kind: ChangeKind;
  /** Of a rename. */
  readonly newName: string;
  /** A deletion goes ahead whatever work is nowhere else. */
  readonly acceptLoss: boolean;
}

/** The calls about a plane's environments; what a plane answers is told as it is. */
export class RemoteEnvironments {
  readonly #client: Client<typeof EnvironmentService>;
  readonly #call: CallPlane;
  readonly #creating = new Map<string, Promise<Environment>>();

  constructor({ transport, call }: { readonly transport: Transport; readonly call: CallPlane }) {
    this.#client = createClient(EnvironmentService, transport);
    this.#call = call;
  }

  /** Those that environments can be made of. */
  async classes(signal: AbortSignal): Promise<RemoteEnvironmentClass[]> {
    return (await this.#classes({ canCreateEnvironments: true }, signal)).map(({ id, displayName, description, runnerId }) =>
      create(RemoteEnvironmentClassSchema, {
        classId: plain(id),
        name: plain(displayName),
        description: plain(description),
        runnerId: plain(runnerId),
      }),
    );
  }

  /** The name of a class; empty where the plane does not show it. */
  async className(classId: string, signal: AbortSignal): Promise<string> {
    const found = (await this.#classes({}, signal).catch(() => [])).find(({ id }) => id === classId);
    return plain(found?.displayName ?? "");
  }

  /** Makes one; the one that was made before when it is asked for again. Fails with `creation-offline` while the plane is away. */
  async create(wanted: NewRemoteEnvironment, signal: AbortSignal): Promise<Environment> {
    const { creationId } = wanted;
    if (!creationIdPattern.test(creationId)) throw new BerthError("argument-invalid", "creation_id has 1 to 100 printable characters");
    // A project says itself what it is made of.
    if (wanted.url !== "" || wanted.projectId === "") parseContextUrl(wanted.url);
    const creating =
      this.#creating.get(creationId) ??
      this.#createOnce(wanted, signal).finally(() => {
        this.#creating.delete(creationId);
      });
    this.#creating.set(creationId, creating);
    try {
      return await creating;
    } catch (error) {
      const failure = planeCallFailure(error);
      throw failure.code === "plane-unreachable" ? new BerthError("creation-offline", failure.detail, { cause: error }) : failure;
    }
  }

  /** Undefined when there is none, or none that the person may see. */
  async find(environmentId: string, signal: AbortSignal): Promise<Environment | undefined> {
    try {
      return (await this.#call(async (options) => this.#client.getEnvironment({ environmentId }, options), signal)).environment;
    } catch (error) {
      const failure = planeCallFailure(error);
      if (failure.code === "environment-not-found" || failure.code === "resource-not-found") return undefined;
      throw failure;
    }
  }

  /** Fails with `environment-not-found`. */
  async get(environmentId: string, signal: AbortSignal): Promise<Environment> {
    const found = await this.find(environmentId, signal);
    if (found === undefined) throw new BerthError("environment-not-found", plain(environmentId));
    return found;
  }

  /** Tells the plane, which may say no; whether work would be lost is the caller's to ask. */
  async tell({ kind, environmentId, newName }: Omit<WantedChange, "acceptLoss">, signal: AbortSignal): Promise<void> {
    const client = this.#client;
    await this.#call(async (options): Promise<unknown> => {
      switch (kind) {
        case "start":
          return client.startEnvironment({ environmentId }, options);
        case "stop":
          return client.stopEnvironment({ environmentId }, options);
        case "delete":
          return client.deleteEnvironment({ environmentId }, options);
        case "rename":
          return client.updateEnvironment({ environmentId, metadata: { name: newName } }, options);
      }
    }, signal);
  }

  async #createOnce(wanted: NewRemoteEnvironment, signal: AbortSignal): Promise<Environment> {
    const { creationId, projectId, name } = wanted;
    const common = { spec: specOf(wanted), ...(name === "" ? {} : { name }) };
    const { environment } = await this.#call(async (options) => {
      const headers = new Headers(options.headers);
      headers.set(idempotencyKeyHeader, creationId);
      const keyed = { ...options, headers };
      return projectId === ""
        ? this.#client.createEnvironment(common, keyed)
        : this.#client.createEnvironmentFromProject({ ...common, projectId }, keyed);
    }, signal);
    if (environment === undefined) throw new BerthError("plane-unreachable", "the plane's answer has no environment");
    return environment;
  }

  async #classes(filter: { readonly canCreateEnvironments?: boolean }, signal: AbortSignal): Promise<EnvironmentClass[]> {
    const all: EnvironmentClass[] = [];
    let token = "";
    for (let page = 0; page < maxClassPages; page++) {
      const pagination = { pageSize: classPageSize, token };
      const answer = await this.#call(async (options) => this.#client.listEnvironmentClasses({ filter, pagination }, options), signal);
      all.push(...answer.environmentClasses);
      token = answer.pagination?.nextToken ?? "";
      if (token === "") break;
    }
    return all;
  }
}

function specOf({ url, classId, devcontainerFilePath }: NewRemoteEnvironment): EnvironmentSpec {
  return create(EnvironmentSpecSchema, {
    desiredPhase: EnvironmentPhase.RUNNING,
    ...(classId === "" ? {} : { machine: { class: classId } }),
    ...(devcontainerFilePath === "" ? {} : { devcontainer: { devcontainerFilePath } }),
    ...(url === "" ? {} : { content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url } } }] } } }),
  });
}
