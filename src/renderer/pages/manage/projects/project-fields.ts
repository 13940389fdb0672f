import type { Project } from "../../../../contract/gen/gitpod/v1/project_pb.js";

/** The address that a project's environments are made of; empty where it says none. */
export function repositoryOf({ initializer }: Project): string {
  const spec = initializer?.specs[0]?.spec;
  switch (spec?.case) {
    case "contextUrl":
      return spec.value.url;
    case "git":
      return spec.value.remoteUri;
    case undefined:
      return "";
  }
}
