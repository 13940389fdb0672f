/** What comes behind an environment's name in an ssh host name. */
const sshDomain = "berth";

/** The host name `ssh` knows an environment by: its name as a word, or its id where the name has no letter or digit. */
export function sshAliasOf(name: string, environmentId: string): string {
  const word = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "");
  return `${word === "" ? environmentId : word}.${sshDomain}`;
}
