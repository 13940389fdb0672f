const hostPattern = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?$/;
/** Docker's own name for its Hub, which its clients look a credential up by. */
const dockerHub = "https://index.docker.io/v1/";
const dockerHubNames = new Set(["docker.io", "hub.docker.com", "index.docker.io", "registry-1.docker.io", "www.docker.com"]);
/** Where well-known hosts make tokens. */
const tokenPages: Readonly<Record<string, string>> = {
  "github.com": "https://github.com/settings/personal-access-tokens/new",
  "gitlab.com": "https://gitlab.com/-/user_settings/personal_access_tokens",
  "bitbucket.org": "https://bitbucket.org/account/settings/app-passwords/new",
  "dev.azure.com": "https://dev.azure.com/_usersSettings/tokens",
};

/** The host's name of what somebody typed: itself, or any address on it. Nothing when there is none. */
export function hostOf(text: string): string | undefined {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z+]+:\/\//, "")
    .replace(/^[^/@]*@/, "")
    .replace(/\/.*$/, "");
  return hostPattern.test(host) ? host : undefined;
}

/** How a registry is called where its credentials are kept. */
export function registryOf(text: string): string | undefined {
  const host = hostOf(text);
  return host !== undefined && dockerHubNames.has(host) ? dockerHub : host;
}

/** How it is called before people. */
export function shownRegistry(registry: string): string {
  return registry === dockerHub ? "docker.io" : registry;
}

export function tokenPage(host: string): string | undefined {
  return Object.hasOwn(tokenPages, host) ? tokenPages[host] : undefined;
}

/** A name for a registry's secret, of the letters that names of secrets have. */
export function registrySecretName(registry: string): string {
  return `REGISTRY_${shownRegistry(registry).replaceAll(/[^a-z0-9]+/g, "_")}`;
}

/** The value of a registry's secret: as HTTP's basic authentication writes it. */
export function basicValue(user: string, password: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(`${user}:${password}`)));
}
