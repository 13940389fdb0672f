import { create } from "@bufbuild/protobuf";
import {
  ContextURLInitializerSchema,
  type EnvironmentInitializer,
  EnvironmentInitializerSchema,
  EnvironmentPhase,
  type EnvironmentSpec,
  EnvironmentSpecSchema,
} from "../contract/gen/gitpod/v1/environment_pb.js";

/** A folder of this computer as the source of a working copy, in the place of a context URL. */
export const folderScheme = "berth-folder:";

/** A spec whose working copy comes from a folder of this computer. */
export function folderSpec(folder: string): EnvironmentSpec {
  const initializer = create(EnvironmentInitializerSchema, {
    specs: [{ spec: { case: "contextUrl", value: create(ContextURLInitializerSchema, { url: `${folderScheme}${folder}` }) } }],
  });
  return create(EnvironmentSpecSchema, { desiredPhase: EnvironmentPhase.RUNNING, content: { initializer } });
}

/** The address or folder a spec's working copy is made from. */
export function sourceOf(spec: EnvironmentSpec): string {
  return sourceOfInitializer(spec.content?.initializer);
}

export function sourceOfInitializer(initializer: EnvironmentInitializer | undefined): string {
  const first = initializer?.specs[0]?.spec;
  if (first?.case === "contextUrl") return first.value.url;
  return first?.case === "git" ? first.value.remoteUri : "";
}
