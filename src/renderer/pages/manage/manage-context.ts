import { createContext, useContext } from "react";
import type { OrganizationRole } from "../../../contract/gen/gitpod/v1/organization_pb.js";
import type { PlaneClients } from "../../api/plane-clients.ts";

/** The organization that is administered, and by whom. */
export interface Managed {
  readonly clients: PlaneClients;
  readonly planeUrl: string;
  readonly organizationId: string;
  readonly organizationName: string;
  /** Of who is signed in; empty when the plane does not say it. */
  readonly userId: string;
  readonly role: OrganizationRole;
}

export const ManagedContext = createContext<Managed | undefined>(undefined);

export function useManaged(): Managed {
  const managed = useContext(ManagedContext);
  if (managed === undefined) throw new Error("no organization is given above this component");
  return managed;
}
