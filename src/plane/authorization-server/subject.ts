/** Whom a grant is for. An account may be in several organizations, and a sign-in counts in one of them. */
export interface Subject {
  readonly organizationId: string;
  readonly accountId: string;
}

const form = /^([\w-]{1,64})\.([\w-]{1,64})$/;

export function subjectText({ organizationId, accountId }: Subject): string {
  const text = `${organizationId}.${accountId}`;
  if (!form.test(text)) throw new Error("an id of an organization or account has another form");
  return text;
}

export function parseSubject(text: string | undefined): Subject | undefined {
  const [, organizationId, accountId] = form.exec(text ?? "") ?? [];
  return organizationId === undefined || accountId === undefined ? undefined : { organizationId, accountId };
}
