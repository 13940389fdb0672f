/** What a person reads when something did not happen; one entry for the app and the CLI alike (P13). */
export interface ErrorEntry {
  /** What did not happen. */
  readonly title: string;
  readonly why: string;
  readonly whatToTry: string;
  /** The name of the Connect code it travels under. */
  readonly connectCode:
    | "invalid_argument"
    | "not_found"
    | "already_exists"
    | "permission_denied"
    | "unauthenticated"
    | "failed_precondition"
    | "resource_exhausted"
    | "unavailable"
    | "deadline_exceeded"
    | "canceled"
    | "aborted"
    | "unimplemented"
    | "internal";
}

/** An entry in one line of the catalogue. */
export function entry(connectCode: ErrorEntry["connectCode"], title: string, why: string, whatToTry: string): ErrorEntry {
  return { connectCode, title, why, whatToTry };
}
