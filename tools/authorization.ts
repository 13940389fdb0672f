import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { organizationRoles } from "../src/contract/principal.ts";
import { type Actor, actors, type Grants, type Level, type Row } from "../src/plane/authorization/row.ts";
import { authorizationTable, authorizedServices } from "../src/plane/authorization/table.ts";

/** `npm run docs:authorization` writes docs/AUTHORIZATION.md from the table that the plane decides by. */
const introduction = `# Who may do what

This page is made from the table that the management plane decides by (\`src/plane/authorization\`): \`npm run docs:authorization\`. What a principal may not do by a row here, it may not do; a method without a row does not compile. \`src/plane/authorization/cells.txt\` has every cell of principal, method and ownership.

## Principals

- **account**: a login, across organizations. **user**: an account in one organization; every user is a member of it.
- **service account**: a program of an organization. **runner**: a computer that carries out environments. **environment**: what runs in one.
- Users and service accounts have organization-wide roles besides, their own and those of their groups: \`${organizationRoles.join("`, `")}\`.

## Levels

- **any**: on everything of its organization, and where a method is about no resource.
- **viewer**, **user**, **editor**, **admin**: on what was shared with it so far, directly or through a group; each includes those before it, and owners count as such.
- **own**: on what is its own. An environment belongs to who made it, to itself, and to the runner it is on. To an environment, the secrets that reach it (its organization's, its project's, its creator's) are its own, and their values are read by no one else.

## Rules beside the rows

- What is in another organization and what does not exist get the same answer, \`not_found\`, by the same work. Who may not call a method on anything gets \`permission_denied\` before anything is looked up.
- A request that names several resources is allowed when each of them is. *Uses* and *names* are resources that a request refers to: to use one takes a share as user (or the organization's admin), to name one takes its organization.
- A personal access token or a service account's token can be read-only, which leaves the methods marked *read*, and limited to scopes. One with scopes makes no credential that lasts (*mints*).
- Personal things (a person's own secrets) are out of reach of organization-wide roles; groups that have organization-wide roles themselves, and secrets of the organization and of service accounts, are kept by admins alone, the latter by the service account too.
- Personal things of others, and others' tokens, are answered like what does not exist, also within an organization; so is a class of a runner that is not the caller's to use, where something would be made with it.
- Projects and runners (with their classes) are for every member to use as long as nobody was made their user; from then on they are for those who were, directly or through a group, and for whom more was given.
- Lists and watches show what could be read one by one.
- An organization's policies, e.g. that new projects are left to its administrators (\`members_create_projects\`), are content, and the services say them (docs/PLANE.md).

## Where it is decided

Every request goes the same way, whatever it comes over: the gate (\`src/plane/gate.ts\`) finds out who calls, turns the credential into a principal with its roles and limits (\`src/plane/access/principal-of.ts\`), and refuses whom no row is for, before the body is read. Methods that are not built say so; then the request is checked against its schema; then the policy looks at what it names, with facts that one query within the caller's organization found (\`src/plane/access/look-up.ts\`). Services decide nothing about who may: they filter lists by the same policy (\`src/plane/access/visibility.ts\`) and keep rules about content, such as that an organization keeps an administrator. The plane inside the desktop has one caller, to whom everything there belongs, and no policy.

Changes leave an entry in the audit log (\`EventService.ListAuditLogs\`, for admins and auditLogReader), in the transaction of the change: who, from which address, by which method, on what, and the names of the fields that changed. docs/THREATS.md says what all this stops, and which test proves it.
`;

/** The whole document. */
export function authorizationDocument(): string {
  const sections = authorizedServices.map((service) => {
    const rows = service.methods.map(({ name }) => line(name, authorizationTable.get(`${service.typeName}/${name}`)));
    return [`## ${service.typeName}`, "", "| method | kind | scope | on | who may |", "|---|---|---|---|---|", ...rows, ""].join("\n");
  });
  return [introduction, ...sections].join("\n");
}

function line(name: string, row: Row | undefined): string {
  if (row === undefined) throw new Error(`${name} has no row`);
  const kind = row.mintsCredential === true ? `${row.effect}, mints` : row.effect;
  const targets = row.targets.map(({ kind: of, path, optional, grants }) => {
    const limits = grants === undefined ? "" : ` (${who(grants)})`;
    return `${of === "byType" ? "what it names" : spaced(of)} \`${path}\`${optional === true ? " if given" : ""}${limits}`;
  });
  return `| ${name} | ${kind} | ${row.scope} | ${targets.join("; ")} | ${who(row.grants)} |`;
}

/** Who may, by level, e.g. `**own**: user`. */
export function who(grants: Grants): string {
  const columns: readonly Actor[] = [...actors, ...organizationRoles];
  const byLevel = new Map<Level, Actor[]>();
  for (const actor of columns) {
    const level = grants[actor];
    if (level !== undefined) byLevel.set(level, [...(byLevel.get(level) ?? []), actor]);
  }
  if (byLevel.size === 0) return "nobody";
  return [...byLevel].map(([level, those]) => `**${level}**: ${those.map(spaced).join(", ")}`).join("; ");
}

function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, "../docs/AUTHORIZATION.md"), authorizationDocument());
