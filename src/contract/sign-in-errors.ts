import { entry, type ErrorEntry } from "./error-entry.ts";

/** What can go wrong between a person, their identity provider and a management plane. */
export const signInErrors = {
  "sign-in-expired": entry(
    "unauthenticated",
    "The sign-in was not finished",
    "It took too long, was used before, or was begun in another browser.",
    "Begin the sign-in again.",
  ),
  "sign-in-refused": entry(
    "permission_denied",
    "The sign-in was refused",
    "Your identity provider, or you on its page, did not agree.",
    "Begin the sign-in again, or ask your administrator for access.",
  ),
  "sign-in-not-usable": entry(
    "failed_precondition",
    "The sign-in that is kept on this computer could not be used",
    "A file of it could not be opened or written, e.g. because the disk is full or its folder is somebody else's.",
    "Make what is named writable for you, then try again; you stay signed in.",
  ),
  "sign-in-not-set-up": entry(
    "failed_precondition",
    "This plane signs nobody in yet",
    "Whoever runs it has not told it its public address.",
    "Ask its operator to start it with --public-url.",
  ),
  "sign-in-provider-unknown": entry(
    "not_found",
    "There is no sign-in for this address",
    "No organization here has verified the domain of this e-mail address and turned its identity provider on.",
    "Check the address, or ask your administrator.",
  ),
  "sign-in-provider-unreachable": entry(
    "unavailable",
    "The identity provider could not be reached",
    "It did not answer, answered too slowly or with too much, or its answer was none of OpenID Connect.",
    "Try again in a minute; if it stays so, ask your administrator to check the issuer's address.",
  ),
  "sign-in-provider-untrusted": entry(
    "permission_denied",
    "The answer of the identity provider was not believed",
    "Its signature, issuer, audience, time or answer to our question is not what it has to be.",
    "Begin the sign-in again; if it stays so, ask your administrator to check the provider's settings.",
  ),
  "sign-in-email-unverified": entry(
    "permission_denied",
    "The e-mail address is not verified",
    "The identity provider does not vouch for your address, so nobody could know that it is yours.",
    "Confirm the address at your identity provider, then sign in again.",
  ),
  "sign-in-email-domain": entry(
    "permission_denied",
    "The e-mail address is of another domain",
    "This identity provider may only sign in people of the domains that its organization has verified.",
    "Sign in with your organization's address.",
  ),
  "sign-in-account-exists": entry(
    "permission_denied",
    "An account has this e-mail address already",
    "It belongs to another sign-in, and accounts are not joined by their address.",
    "Sign in the way you did before, or ask your administrator to allow joining by verified address.",
  ),
  "sign-in-account-disabled": entry(
    "permission_denied",
    "The account may not sign in",
    "An administrator has turned it off.",
    "Ask your administrator.",
  ),
  "device-sign-in-off": entry(
    "failed_precondition",
    "Signing in with a code is off",
    "The management plane allows it only where an administrator has turned it on.",
    "Sign in on a computer with a browser, or ask your administrator.",
  ),
  "plane-unreachable": entry(
    "unavailable",
    "The management plane could not be reached",
    "It did not answer. What runs on this computer goes on without it.",
    "Check your network and the plane's address.",
  ),
  "context-not-found": entry(
    "not_found",
    "There is no such context",
    "No plane was added to this computer under this name.",
    "Look at those that there are, or add it.",
  ),
  "context-name-taken": entry(
    "already_exists",
    "The name is taken by another context",
    "Two planes of one name could not be told apart.",
    "Choose another name.",
  ),
  "context-limit": entry(
    "failed_precondition",
    "There are as many contexts as one computer can have",
    "Each keeps a sign-in and a list of its own.",
    "Remove one that is not needed any more.",
  ),
  "address-not-allowed": entry(
    "permission_denied",
    "The address may not be reached from the plane",
    "It is not https, or it leads into a private network that the operator has not allowed.",
    "Use a public https address, or ask the plane's operator to allow the network.",
  ),
  "domain-record-missing": entry(
    "failed_precondition",
    "The domain is not verified yet",
    "Its DNS does not have the TXT record with your code. New records can take an hour to be seen.",
    "Add the record that the message names, then verify again.",
  ),
  "domain-lookup-failed": entry(
    "unavailable",
    "The domain could not be looked up",
    "Its name servers did not answer.",
    "Try again in a minute; check that the domain's DNS works.",
  ),
} as const satisfies Record<string, ErrorEntry>;
