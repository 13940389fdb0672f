/** What comes behind an environment's name in an ssh host name. */
const sshDomain = "berth";

/** The host name `ssh` knows an environment by: its name as a word, or its id where the name has no letter or digit. */
export function sshAliasOf(name: string, environmentId: string): string {
  return `${wordOf(name, environmentId)}.${sshDomain}`;
}

/** The same for an environment of a context; an empty name gives the one that has its id. */
export function remoteSshAliasOf(name: string, contextName: string, environmentId: string): string {
  return `${wordOf(name, environmentId)}.${contextName.toLowerCase()}.${sshDomain}`;
}

function wordOf(name: string, otherwise: string): string {
  const word = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return word === "" ? otherwise : word;
}
