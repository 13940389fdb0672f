import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SSOConfigurationSchema } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { providerDraftOf, providerFault, providerFields, providerName } from "./provider-draft.ts";

const provider = create(SSOConfigurationSchema, {
  id: "1",
  clientId: "berth",
  issuerUrl: "https://id.example.com/realm",
  emailDomains: ["example.com", "example.org"],
  additionalScopes: ["groups", "offline_access"],
  claims: { "berth.link_by_verified_email": "true", "berth.emails_are_verified": "false" },
});

test("a provider comes back from its form as it was", () => {
  const draft = providerDraftOf(provider);
  expect(draft).toMatchObject({ staysSignedIn: true, linkByVerifiedEmail: true, emailsAreVerified: false, clientSecret: "" });
  expect(providerFault(draft, provider)).toBeUndefined();
  expect(providerFields(draft, provider)).toMatchObject({
    emailDomains: ["example.com", "example.org"],
    scopes: ["groups", "offline_access"],
    claims: { "berth.link_by_verified_email": "true", "berth.emails_are_verified": "false", "berth.device_sign_in": "false" },
  });
  expect(providerFields({ ...draft, staysSignedIn: false }, provider).scopes).toEqual(["groups"]);
  expect(providerName(provider)).toBe("id.example.com");
});

test.each([
  [{ issuerUrl: "id.example.com" }, "issuer"],
  [{ clientId: " " }, "clientId"],
  [{ issuerUrl: "https://other.example.com" }, "secretOfNewIssuer"],
  [{ issuerUrl: "https://other.example.com", clientSecret: "s" }, undefined],
  [{ emailDomains: "example.com, @example.org" }, "domains"],
  [{ emailDomains: "" }, "domainsStay"],
] as const)("a change to %j: %s", (change, fault) => {
  expect(providerFault({ ...providerDraftOf(provider), ...change }, provider)).toBe(fault);
});

test("a new one needs its secret", () => {
  const draft = { ...providerDraftOf(undefined), issuerUrl: "https://id.example.com", clientId: "berth" };
  expect(providerFault(draft, undefined)).toBe("secret");
  expect(providerFault({ ...draft, clientSecret: "s" }, undefined)).toBeUndefined();
});
