import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { readFile, rm } from "node:fs/promises";
import {
  type ListRemoteEnvironmentsResponse,
  ListRemoteEnvironmentsResponseSchema,
  type RemoteEnvironment,
} from "../../contract/gen/berth/v1/context_pb.js";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";

/** Whose environments they are: nobody else is shown them. */
export interface Owner {
  readonly organizationId: string;
  readonly accountId: string;
}

/** What a plane said last of its environments, for when it is away. */
export class KnownEnvironments {
  readonly #path: string;
  /** Undefined: not read yet. */
  #known: ListRemoteEnvironmentsResponse | "none" | undefined;

  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async of({ organizationId, accountId }: Owner): Promise<ListRemoteEnvironmentsResponse | undefined> {
    this.#known ??= await this.#read();
    if (this.#known === "none") return undefined;
    const { context } = this.#known;
    return context?.organizationId === organizationId && context.accountId === accountId ? this.#known : undefined;
  }

  async save(known: ListRemoteEnvironmentsResponse): Promise<void> {
    this.#known = known;
    await this.#write(async () => writeFileAtomically(this.#path, toJsonString(ListRemoteEnvironmentsResponseSchema, known)));
  }

  /** Puts one that was told of alone, e.g. after a change, in its place; nothing where no list is known yet. */
  async note(owner: Owner, environment: RemoteEnvironment): Promise<void> {
    const known = await this.of(owner);
    if (known === undefined) return;
    const others = known.environments.filter(({ environmentId }) => environmentId !== environment.environmentId);
    const environments = [...others, environment].toSorted((a, b) => a.name.localeCompare(b.name));
    await this.save(knownResponse({ ...known, environments }));
  }

  async clear(): Promise<void> {
    this.#known = "none";
    await this.#write(async () => rm(this.#path, { force: true }));
  }

  /** What was asked for last is what the file has in the end. */
  async #write(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #read(): Promise<ListRemoteEnvironmentsResponse | "none"> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (isErrno(error, "ENOENT")) return "none";
      throw error;
    }
    try {
      return fromJsonString(ListRemoteEnvironmentsResponseSchema, text, { ignoreUnknownFields: true });
    } catch {
      // Asked for again when the plane answers.
      return "none";
    }
  }
}

export function knownResponse(fields: Omit<ListRemoteEnvironmentsResponse, "$typeName" | "$unknown">): ListRemoteEnvironmentsResponse {
  return create(ListRemoteEnvironmentsResponseSchema, fields);
}
