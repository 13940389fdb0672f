import { BerthError } from "../../contract/berth-error.ts";
import type { SsoConfigurationRecord } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import { redirectUriOf } from "../sign-in/sign-in-handler.ts";

/** What Berth knows of a provider beside the fields of the API stands among its `claims`. */
const settingNames = {
  emailsAreVerified: "berth.emails_are_verified",
  linkByVerifiedEmail: "berth.link_by_verified_email",
  deviceSignIn: "berth.device_sign_in",
} as const;
/** The address to register at the provider; only told. */
const redirectUriName = "berth.redirect_uri";

type Settings = Pick<SsoConfigurationRecord, keyof typeof settingNames>;
const names: readonly (keyof Settings)[] = ["emailsAreVerified", "linkByVerifiedEmail", "deviceSignIn"];

/** The settings of a provider as claims of the API. */
export function settingsOf(record: SsoConfigurationRecord, publicUrl: URL | undefined): Record<string, string> {
  const { organizationId = "" } = record.configuration ?? {};
  return {
    ...Object.fromEntries(names.map((name) => [settingNames[name], String(record[name])])),
    ...(publicUrl === undefined ? {} : { [redirectUriName]: redirectUriOf(publicUrl, organizationId) }),
  };
}

/** The settings that claims of a request change. Fails with `request-invalid` for all others. */
export function settingsFrom(claims: Readonly<Record<string, string>>): Partial<Settings> {
  const settings: Partial<Settings> = {};
  for (const [claim, value] of Object.entries(claims)) {
    // What was told may be sent back as it was.
    if (claim === redirectUriName) continue;
    const name = names.find((one) => settingNames[one] === claim);
    if (name === undefined)
      throw new BerthError("request-invalid", `claims: '${claim}' is no setting; there are ${Object.values(settingNames).join(", ")}`);
    if (value !== "true" && value !== "false") throw new BerthError("request-invalid", `claims: '${claim}' must be true or false`);
    settings[name] = value === "true";
  }
  return settings;
}
