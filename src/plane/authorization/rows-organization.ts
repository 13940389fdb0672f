import { AccountService } from "../../contract/gen/gitpod/v1/account_pb.js";
import { GroupService } from "../../contract/gen/gitpod/v1/group_pb.js";
import { IdentityService } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ServiceAccountService } from "../../contract/gen/gitpod/v1/service_account_pb.js";
import { UserService } from "../../contract/gen/gitpod/v1/user_pb.js";
import {
  admins,
  everybody,
  type Grants,
  minting,
  named,
  nobody,
  noTarget,
  optionalTarget,
  people,
  read,
  rowsOf,
  type ServiceRows,
  type TargetField,
  target,
  write,
} from "./row.ts";

const strangers: Grants = { anonymous: "any" };
/** A user is an account in one organization, and acts as the account in what is beyond organizations. */
const accountHolders: Grants = { account: "any", user: "any" };

const accounts = rowsOf(AccountService, {
  getAccount: read("account", noTarget, accountHolders),
  deleteAccount: write("account", target("account", "accountId"), { account: "own", user: "own" }),
  getSSOLoginURL: read("account", noTarget, strangers),
  listSSOLogins: read("account", noTarget, strangers),
  listLoginProviders: read("account", noTarget, strangers),
  listJoinableOrganizations: read("account", noTarget, accountHolders),
  // These are for who runs an installation, which is no principal; an organization suspends its user instead.
  blockAccount: write("account", target("account", "accountId"), nobody),
  unblockAccount: write("account", target("account", "accountId"), nobody),
});

const identity = rowsOf(IdentityService, {
  getIDToken: write("account", noTarget, everybody),
  getAuthenticatedIdentity: read("account", noTarget, { ...everybody, account: "any" }),
  // The exchange token in the request says who it is.
  exchangeToken: write("account", noTarget, strangers),
});

const user = target("user", "userId");
const ownToken: Grants = { user: "own" };
const seenToken: Grants = { user: "own", admin: "any" };
const token = target("personalAccessToken", "personalAccessTokenId");

const users = rowsOf(UserService, {
  getAuthenticatedUser: read("account", noTarget, { user: "any" }),
  getUser: read("organization", user, people),
  setSuspended: write("organization", user, admins),
  deleteUser: write("organization", user, { user: "own", admin: "any" }),
  createPersonalAccessToken: minting(write("tokens", user, ownToken)),
  getPersonalAccessToken: read("tokens", token, seenToken),
  listPersonalAccessTokens: read("tokens", optionalTarget("user", "filter.userIds"), seenToken),
  // Administrators see and end what lets somebody in, and make none for others.
  deletePersonalAccessToken: write("tokens", token, seenToken),
  setPreference: write("account", noTarget, { user: "any" }),
  getPreference: read("account", [...optionalTarget("preference", "preferenceId"), ...optionalTarget("preference", "userPreferenceId")], {
    user: "own",
  }),
  listPreferences: read("account", noTarget, { user: "any" }),
  deletePreference: write("account", target("preference", "userPreferenceId"), { user: "own" }),
  getDotfilesConfiguration: read("account", noTarget, { user: "any" }),
  setDotfilesConfiguration: write("account", noTarget, { user: "any" }),
});

const organization = target("organization", "organizationId");
const sso = target("ssoConfiguration", "ssoConfigurationId");
const scim = target("scimConfiguration", "scimConfigurationId");
const domain = target("domainVerification", "domainVerificationId");

const organizations = rowsOf(OrganizationService, {
  createOrganization: write("organization", noTarget, accountHolders),
  // The invite or the domain of its address says whether an account may.
  joinOrganization: write("organization", noTarget, accountHolders),
  getOrganization: read("organization", organization, everybody),
  updateOrganization: write("organization", organization, admins),
  deleteOrganization: write("organization", organization, admins),
  listMembers: read("organization", organization, people),
  setRole: write("organization", [...organization, ...user], admins),
  // Whoever has an invite comes in; asking for the one that is good makes it where there is none.
  createOrganizationInvite: minting(write("organization", organization, admins)),
  getOrganizationInvite: minting(write("organization", organization, admins)),
  getOrganizationInviteSummary: read("organization", noTarget, accountHolders),
  // An administrator lets others go.
  leaveOrganization: write("organization", user, { user: "own", admin: "any" }),
  createSSOConfiguration: write("organization", organization, admins),
  getSSOConfiguration: read("organization", sso, admins),
  listSSOConfigurations: read("organization", organization, admins),
  deleteSSOConfiguration: write("organization", sso, admins),
  updateSSOConfiguration: write("organization", sso, admins),
  createSCIMConfiguration: minting(write("organization", [...organization, ...sso], admins)),
  getSCIMConfiguration: read("organization", scim, admins),
  listSCIMConfigurations: read("organization", noTarget, admins),
  updateSCIMConfiguration: write("organization", [...scim, ...optionalTarget("ssoConfiguration", "ssoConfigurationId")], admins),
  deleteSCIMConfiguration: write("organization", scim, admins),
  regenerateSCIMToken: minting(write("organization", scim, admins)),
  createDomainVerification: write("organization", organization, admins),
  getDomainVerification: read("organization", domain, admins),
  listDomainVerifications: read("organization", organization, admins),
  verifyDomain: write("organization", domain, admins),
  deleteDomainVerification: write("organization", domain, admins),
  getOrganizationPolicies: read("organization", organization, everybody),
  updateOrganizationPolicies: write("organization", organization, { admin: "any", securityAdmin: "any" }),
  getOIDCConfig: read("organization", organization, admins),
  updateOIDCConfig: write("organization", organization, admins),
  getAnnouncementBanner: read("organization", organization, people),
  updateAnnouncementBanner: write("organization", organization, admins),
  getTermsOfService: read("organization", organization, people),
  updateTermsOfService: write("organization", organization, admins),
  acceptTermsOfService: write("organization", organization, { user: "any" }),
  listTermsOfServiceVersions: read("organization", organization, admins),
  listTermsOfServiceAcceptances: read("organization", organization, admins),
  getTermsOfServiceAcceptancesExport: read("organization", organization, admins),
  setStripeCustomerID: write("organization", organization, nobody),
  createCustomDomain: write("organization", organization, admins),
  getCustomDomain: read("organization", organization, people),
  updateCustomDomain: write("organization", organization, admins),
  deleteCustomDomain: write("organization", organization, admins),
});

const group = target("group", "groupId");
const groupViewers: Grants = { user: "any", serviceAccount: "any" };
const groupKeepers: Grants = { user: "admin", serviceAccount: "admin", admin: "any", groupsAdmin: "any" };
const groupMakers: Grants = { admin: "any", groupsAdmin: "any" };
/** Who gives others a part in a resource. */
const sharers: Grants = { user: "admin", serviceAccount: "admin", admin: "any" };
const sharedResource: TargetField = { kind: "byType", path: "resourceId" };

const groups = rowsOf(GroupService, {
  createGroup: write("organization", organization, groupMakers),
  getGroup: read("organization", [...optionalTarget("group", "id"), ...optionalTarget("group", "groupId")], groupViewers),
  listGroups: read("organization", noTarget, people),
  updateGroup: write("organization", group, groupKeepers),
  deleteGroup: write("organization", group, groupMakers),
  createMembership: write("organization", [...group, named("principal", "subject.id")], groupKeepers),
  deleteMembership: write("organization", target("groupMembership", "membershipId"), groupKeepers),
  getMembership: read("organization", group, groupViewers),
  listMemberships: read("organization", group, groupViewers),
  createRoleAssignment: write("organization", [sharedResource, named("group", "groupId")], sharers),
  listRoleAssignments: read("organization", noTarget, people),
  deleteRoleAssignment: write("organization", target("roleAssignment", "assignmentId"), sharers),
  shareResourceWithPrincipal: write("organization", [sharedResource, named("principal", "principalId")], sharers),
  unshareResourceWithPrincipal: write("organization", [sharedResource], sharers),
});

const serviceAccount = target("serviceAccount", "serviceAccountId");
const serviceAccountToken = target("serviceAccountToken", "serviceAccountTokenId");

const serviceAccounts = rowsOf(ServiceAccountService, {
  createServiceAccount: write("organization", noTarget, admins),
  listServiceAccounts: read("organization", noTarget, people),
  getServiceAccount: read("organization", serviceAccount, people),
  updateServiceAccount: write("organization", serviceAccount, admins),
  deleteServiceAccount: write("organization", serviceAccount, admins),
  createServiceAccountAccessToken: minting(write("tokens", serviceAccount, admins)),
  createServiceAccountToken: minting(write("tokens", noTarget, { serviceAccount: "any" })),
  listServiceAccountTokens: read("tokens", noTarget, { serviceAccount: "any" }),
  getServiceAccountToken: read("tokens", serviceAccountToken, { serviceAccount: "own" }),
  deleteServiceAccountToken: write("tokens", serviceAccountToken, { serviceAccount: "own", admin: "any" }),
});

export const organizationRows: readonly ServiceRows[] = [accounts, identity, users, organizations, groups, serviceAccounts];
