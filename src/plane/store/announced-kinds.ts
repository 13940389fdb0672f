import type { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { environmentServiceKind, environmentTaskKind, taskExecutionKind } from "./automation-kinds.ts";
import { environmentClassKind, runnerKind } from "./fleet-kinds.ts";
import { groupKind, memberKind, organizationKind, organizationPoliciesKind, serviceAccountKind } from "./identity-kinds.ts";
import { environmentKind } from "./kinds.ts";
import { projectKind } from "./project-kinds.ts";

const kinds: readonly { readonly name: string; readonly resourceType?: ResourceType }[] = [
  ...[environmentKind, projectKind, runnerKind, environmentClassKind, organizationKind, organizationPoliciesKind],
  ...[memberKind, groupKind, serviceAccountKind],
  ...[environmentServiceKind, environmentTaskKind, taskExecutionKind],
];

/** As what changes of a kind are announced, by the kind's name. */
export const announcedKinds: ReadonlyMap<string, ResourceType> = new Map(
  kinds.flatMap(({ name, resourceType }) => (resourceType === undefined ? [] : [[name, resourceType]])),
);
