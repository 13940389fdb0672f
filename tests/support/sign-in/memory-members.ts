import type { AuthorizationEvents, Members } from "../../../src/plane/authorization-server/ports.ts";

/** Who is in an organization, and what it allows. */
export class MemoryMembers implements Members {
  readonly all = new Map<string, { name: string; email: string }>();
  allowsDevices = true;

  find(organizationId: string, accountId: string) {
    return Promise.resolve(this.all.get(`${organizationId}.${accountId}`));
  }

  allowsDeviceSignIn() {
    return Promise.resolve(this.allowsDevices);
  }
}

export class RecordedEvents implements AuthorizationEvents {
  readonly all: string[] = [];

  signedIn({ organizationId, accountId, withDeviceCode, address }: Parameters<AuthorizationEvents["signedIn"]>[0]) {
    this.all.push(`signed in ${organizationId}.${accountId} ${withDeviceCode ? "with a device code" : "here"} from ${address}`);
  }

  reuseDetected({ subject, model }: Parameters<AuthorizationEvents["reuseDetected"]>[0]) {
    this.all.push(`reuse of ${model} of ${subject ?? "nobody"}`);
  }
}
