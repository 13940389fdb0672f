import type { Members } from "../../../src/plane/authorization-server/ports.ts";
import type { SignInEvents } from "../../../src/plane/sign-in/ports.ts";

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

export class RecordedEvents implements SignInEvents {
  readonly all: string[] = [];

  signedIn({ organizationId, accountId, through, address }: Parameters<SignInEvents["signedIn"]>[0]) {
    this.all.push(`signed in ${organizationId}.${accountId} through ${through} from ${address}`);
  }

  signedOut({ organizationId, accountId, address }: Parameters<SignInEvents["signedOut"]>[0]) {
    this.all.push(`signed out ${organizationId}.${accountId} from ${address}`);
  }

  reuseDetected({ organizationId, accountId, model }: Parameters<SignInEvents["reuseDetected"]>[0]) {
    this.all.push(`reuse of ${model} of ${organizationId}.${accountId}`);
  }
}
