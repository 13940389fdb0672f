const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

/** Words of the diagnostics. */
export const diagnostics = {
  title: "Diagnostics",
  again: "Run again",
  looking: "Looking at this computer",
  notOffline: "Berth does not answer.",
  checks: { heading: "This computer", description: "What Berth needs, and what it found." },
  /** By the id of the check. */
  titles: {
    version: "Versions",
    hypervisor: "Hypervisor",
    accelerator: "Acceleration",
    memory: "Memory",
    disk: "Disk of this computer",
    image: "Machine image",
    programs: "Programs",
    network: "Network",
    ssh: "ssh configuration",
    machine: "Machine",
    "data-disk": "Disk of the machine",
  },
  severities: { unknown: "Unknown", ok: "Fine", warning: "Warning", error: "Error" },
  summary: (errors: number, warnings: number) =>
    errors + warnings === 0
      ? "Everything is fine."
      : [errors === 0 ? "" : count(errors, "error", "errors"), warnings === 0 ? "" : count(warnings, "warning", "warnings")]
          .filter((part) => part !== "")
          .join(", "),
  bundle: {
    heading: "Support bundle",
    description:
      "A text file for somebody who helps you. You see all of it before it is saved; nothing is sent anywhere. Tokens, passwords, names, e-mail and network addresses are hidden.",
    make: "Make a bundle",
    makeAgain: "Make it again",
    making: "Collecting",
    save: "Save",
    saved: (name: string) => `${name} was saved`,
    keepNames: "Leave names of environments and repositories readable",
    nothingChosen: "Choose at least one part.",
    include: (part: string) => `Include: ${part}`,
    parts: {
      versions: "Versions and sizes",
      diagnosis: "Diagnosis",
      environments: "Environments",
      "host-log": "Log of the host",
      "machine-console": "Console of the machine",
    },
    hidden: (what: string) => `Hidden: ${what}`,
    nothingHidden: "Nothing had to be hidden",
    kinds: {
      tokens: "tokens",
      passwords: "passwords",
      "private keys": "private keys",
      "credentials in addresses": "credentials in addresses",
      "e-mail addresses": "e-mail addresses",
      "network addresses": "network addresses",
      "user names": "names of people",
      "names of environments": "names of environments",
    },
    empty: "There is nothing.",
    failed: (why: string) => `It could not be read: ${why}`,
    lookAt: "Read it through: what is hidden is found by rules, and you know best what is nobody's business.",
  },
};
