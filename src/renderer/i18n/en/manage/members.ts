/** Words of the members of an organization. */
export const manageMembers = {
  description: "Who belongs to the organization, and what they may do here.",
  search: "Search by name or e-mail",
  role: "Role",
  status: "Status",
  columns: { name: "Name", role: "Role", status: "Status", via: "Signs in with", since: "Member since" },
  statuses: { 0: "unknown", 1: "Active", 2: "Suspended", 3: "Left" },
  you: (name: string) => `${name} (you)`,
  none: "Nobody is here",
  makeAdmin: "Make administrator…",
  makeMember: "Make member…",
  suspend: "Suspend…",
  resume: "Let in again",
  remove: "Remove…",
  removeSubmit: "Remove",
  notYourself: "Somebody else has to do this to you.",
  makeAdminTitle: (name: string) => `Make ${name} an administrator?`,
  makeAdminDetail: "Administrators may change everything here: members, sign-in, runners, policies, and everybody's environments.",
  makeMemberTitle: (name: string) => `Make ${name} a member?`,
  makeMemberDetail: "They lose everything that only administrators may do. Their environments stay.",
  suspendTitle: (name: string) => `Suspend ${name}?`,
  suspendDetail: "They are signed out at once and cannot sign in until you let them in again. Their environments and secrets stay.",
  removeTitle: (name: string) => `Remove ${name} from the organization?`,
  removeDetail: "They are signed out at once. To come back they have to join again.",
  losesTokens: "Their personal access tokens, preferences, dotfiles setting and places in groups are lost.",
  losesEnvironments: (n: number) =>
    n === 0
      ? "They have no environments."
      : n === 1
        ? "Their one environment stays, under Environments; delete it there if it is not needed."
        : `Their ${n} environments stay, under Environments; delete them there if they are not needed.`,
  counting: "Looking for their environments…",
  agreeRemove: (name: string) => `Remove ${name}`,
  roleChanged: (name: string, role: string) => `${name}: ${role}`,
  suspended: (name: string) => `${name} is suspended`,
  resumed: (name: string) => `${name} may sign in again`,
  removed: (name: string) => `${name} was removed`,
  invite: "Invite",
  inviteTitle: "Invite people",
  inviteDetail:
    "Who has an account at this plane and knows the invite can join as a member. It is the same for everybody and does not expire.",
  inviteCode: "Invite",
  inviteReset: "Make a new one",
  inviteResetNote: "Whoever has this one and has not joined yet cannot join with it any more.",
  inviteWasReset: "The old invite is worth nothing any more",
  inviteNewcomers:
    "Newcomers need no invite: they come in with their first sign-in, when your identity provider vouches for their address.",
};
