import type {
  AccountLinks,
  LinkedAccount,
  ProviderConfiguration,
  ProviderDirectory,
  ProviderIdentity,
} from "../../../src/plane/sign-in/ports.ts";

/** What the plane keeps of organizations and accounts, in memory: the parts under test are its users. */
export class MemoryProviders implements ProviderDirectory {
  readonly all: ProviderConfiguration[] = [];

  byId(id: string) {
    return Promise.resolve(this.all.find((one) => one.id === id));
  }

  byVerifiedDomain(domain: string) {
    return Promise.resolve(this.all.filter((one) => one.enabled && one.verifiedDomains.includes(domain)));
  }
}

interface StoredAccount {
  readonly id: string;
  email: string;
  name: string;
  readonly organizationIds: string[];
  readonly identities: string[];
}

export class MemoryAccounts implements AccountLinks {
  readonly all: StoredAccount[] = [];

  byIdentity(issuer: string, subject: string): Promise<LinkedAccount | undefined> {
    return Promise.resolve(this.all.find(({ identities }) => identities.includes(keyOf(issuer, subject))));
  }

  byEmail(email: string): Promise<LinkedAccount | undefined> {
    return Promise.resolve(this.all.find((one) => one.email === email));
  }

  async create(identity: ProviderIdentity & { readonly verifiedEmail: string }, organizationId: string): Promise<LinkedAccount> {
    const known = await this.byIdentity(identity.issuer, identity.subject);
    if (known !== undefined) return known;
    return this.add(identity.verifiedEmail, {
      organizationId,
      identities: [keyOf(identity.issuer, identity.subject)],
      name: identity.name,
    });
  }

  link(accountId: string, identity: ProviderIdentity) {
    this.#find(accountId).identities.push(keyOf(identity.issuer, identity.subject));
    return Promise.resolve();
  }

  join(accountId: string, organizationId: string) {
    const { organizationIds } = this.#find(accountId);
    if (!organizationIds.includes(organizationId)) organizationIds.push(organizationId);
    return Promise.resolve();
  }

  refresh(accountId: string, { name, verifiedEmail }: ProviderIdentity) {
    const account = this.#find(accountId);
    account.name = name;
    if (verifiedEmail !== undefined) account.email = verifiedEmail;
    return Promise.resolve();
  }

  add(email: string, { organizationId = "org-1", identities = [] as string[], name = email } = {}): StoredAccount {
    const account = { id: `account-${this.all.length + 1}`, email, name, organizationIds: [organizationId], identities };
    this.all.push(account);
    return account;
  }

  #find(id: string): StoredAccount {
    const account = this.all.find((one) => one.id === id);
    if (account === undefined) throw new Error(`no account ${id}`);
    return account;
  }
}

function keyOf(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}
