/** Words of an organization's policies. */
export const managePolicies = {
  description: "What members may do, and what limits there are. Administrators are bound by limits too.",
  groups: { projects: "Projects", environments: "Environments", access: "Access" },
  countsFromNow: "A change counts for what is done from then on.",
  revert: "Undo changes",
  mend: "Mend the marked fields first.",
  noLimit: "no limit",
  units: { count: "at most", days: "days" },
  limitWrong: (least: number, most: number) => `0 for no limit, else a whole number from ${least} to ${most}.`,
  policies: {
    membersCreateProjects: {
      label: "Members may make projects",
      hint: "Off, only administrators of the organization and of projects do.",
    },
    membersRequireProjects: {
      label: "Environments need a project",
      hint: "Members make environments of projects only, and not of any address.",
    },
    maximumRunningEnvironmentsPerUser: {
      label: "Running environments of one person",
      hint: "Another one starts only when one was stopped.",
    },
    maximumEnvironmentsPerUser: {
      label: "Environments of one person",
      hint: "Running or stopped; another one can be made only when one was deleted.",
    },
    maximumEnvironmentLifetime: {
      label: "Longest life of an environment",
      hint: "Counted from when it was made; then it cannot be started any more. What runs is not stopped.",
    },
    maximumEnvironmentLifetimeStrict: {
      label: "The longest life cannot be extended",
      hint: "Nobody can set a later end for a single environment.",
    },
    deleteArchivedEnvironmentsAfter: {
      label: "Delete archived environments after",
      hint: "Those with changes that were not pushed stay until they are.",
    },
    defaultEnvironmentImage: {
      label: "Image of repositories without a dev container",
      hint: "Left empty, it is Berth's own.",
    },
    allowLocalRunners: {
      label: "Members may use their own computer as a runner",
      hint: "Off, environments run on the organization's runners alone.",
    },
    portSharingDisabled: {
      label: "Ports stay private",
      hint: "Nobody can open a port of an environment to others.",
    },
  },
};
