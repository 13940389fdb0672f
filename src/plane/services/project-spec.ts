import { clone, create } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type EnvironmentSpec,
  EnvironmentSpec_ContentSchema,
  EnvironmentSpec_DevContainerSchema,
  EnvironmentSpec_MachineSchema,
  EnvironmentSpecSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { Project } from "../../contract/gen/gitpod/v1/project_pb.js";
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";

/** The spec of a project's new environment: what the request says, else what the project says. */
export function projectSpec(project: Project, given: EnvironmentSpec | undefined, classes: readonly EnvironmentClass[]): EnvironmentSpec {
  const spec = given === undefined ? create(EnvironmentSpecSchema) : clone(EnvironmentSpecSchema, given);
  const content = spec.content ?? create(EnvironmentSpec_ContentSchema);
  if ((content.initializer?.specs ?? []).length === 0 && project.initializer !== undefined) content.initializer = project.initializer;
  spec.content = content;
  if (project.devcontainerFilePath !== "" && (spec.devcontainer?.devcontainerFilePath ?? "") === "") {
    const devcontainer = spec.devcontainer ?? create(EnvironmentSpec_DevContainerSchema);
    spec.devcontainer = { ...devcontainer, devcontainerFilePath: project.devcontainerFilePath };
  }
  const machineClass = spec.machine?.class ?? "";
  const allowed = allowedClasses(project, classes);
  if (machineClass !== "" && allowed !== undefined && !allowed.includes(machineClass))
    throw new BerthError("request-invalid", `spec.machine.class: the project allows ${allowed.join(", ") || "none that is there"}`);
  const [preferred] = allowed ?? [];
  if (machineClass === "" && preferred !== undefined) spec.machine = create(EnvironmentSpec_MachineSchema, { class: preferred });
  return spec;
}

/** Undefined where the project says nothing about classes. */
function allowedClasses({ environmentClasses }: Project, classes: readonly EnvironmentClass[]): string[] | undefined {
  if (environmentClasses.length === 0) return undefined;
  return environmentClasses.flatMap(({ environmentClass }) => classes.find(({ id }) => id === environmentClass.value)?.id ?? []);
}
