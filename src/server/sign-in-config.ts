import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { z } from "zod";
import { isSafeUrl } from "../contract/safe-url.ts";

const onOff = z.enum(["on", "off"]).transform((text) => text === "on");
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== ""),
);
const maxSessionHours = 8;
const networkPattern = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i;
const dnsServerPattern = /^(?:\[([\da-f:]+)\]|([\da-f:.]+?))(?::(\d{1,5}))?$/i;

/** Where a server is reached; without https only on this computer. */
export const originOf = (flag: string) =>
  z.string().transform((text, context): URL => {
    const url = URL.parse(text);
    if (url !== null && isSafeUrl(url) && url.href === `${url.origin}/`) return url;
    context.addIssue({ code: "custom", message: `${flag}: '${text}' is no https://HOST; nothing may follow the host` });
    return z.NEVER;
  });

const networks = list.refine(
  (all) => all.every((one) => isIP(networkPattern.exec(one)?.[1] ?? "") !== 0),
  "--provider-networks: addresses or ranges such as 10.1.0.0/16, separated by commas",
);
const dnsServers = list.refine(
  (all) =>
    all.every((one) => {
      const [, v6, plain] = dnsServerPattern.exec(one) ?? [];
      return isIP(v6 ?? plain ?? "") !== 0;
    }),
  "--dns-servers: addresses such as 10.0.0.53 or 127.0.0.1:5353, separated by commas",
);

/** The part of the server's settings that is about signing in. */
export const signInSettings = {
  publicUrl: originOf("--public-url").optional(),
  providerNetworks: networks,
  providerAllowHttp: onOff,
  /** PEM certificates that providers' certificates are checked by. */
  providerCa: z
    .string()
    .transform((file) => [readFileSync(file, "utf8")])
    .optional(),
  dnsServers,
  sessionHours: z.coerce.number().positive().max(maxSessionHours),
  sessionIdleMinutes: z.coerce
    .number()
    .positive()
    .max(maxSessionHours * 60),
  deviceSignIn: onOff,
  /** The header in which a proxy in front says where a request came from; believed from everybody when it is given. */
  clientAddressHeader: z
    .string()
    .regex(/^[\w-]+$/, "--client-address-header: a header's name")
    .transform((name) => name.toLowerCase())
    .optional(),
};

export const signInDefaults = {
  providerNetworks: "",
  providerAllowHttp: "off",
  dnsServers: "",
  sessionHours: "8",
  sessionIdleMinutes: "120",
  deviceSignIn: "off",
};

export const signInVariables = {
  publicUrl: "BERTH_PLANE_PUBLIC_URL",
  providerNetworks: "BERTH_PLANE_PROVIDER_NETWORKS",
  providerAllowHttp: "BERTH_PLANE_PROVIDER_ALLOW_HTTP",
  providerCa: "BERTH_PLANE_PROVIDER_CA",
  dnsServers: "BERTH_PLANE_DNS_SERVERS",
  sessionHours: "BERTH_PLANE_SESSION_HOURS",
  sessionIdleMinutes: "BERTH_PLANE_SESSION_IDLE_MINUTES",
  deviceSignIn: "BERTH_PLANE_DEVICE_SIGN_IN",
  clientAddressHeader: "BERTH_PLANE_CLIENT_ADDRESS_HEADER",
} as const;
