import { z } from "zod";
import { BerthError } from "../contract/berth-error.ts";
import type { GatewayAddress } from "../plane/tunnels/gateways.ts";
import { originOf } from "./sign-in-config.ts";

const maxNameLength = 63;

/** The part of the server's settings that makes it a gateway. */
export const gatewaySettings = {
  gatewayName: z
    .string()
    .max(maxNameLength)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "--gateway-name: letters, digits and . _ -")
    .optional(),
  gatewayUrl: originOf("--gateway-url").optional(),
  gatewayRegion: z.string().max(maxNameLength).optional(),
};

export const gatewayVariables = {
  gatewayName: "BERTH_PLANE_GATEWAY_NAME",
  gatewayUrl: "BERTH_PLANE_GATEWAY_URL",
  gatewayRegion: "BERTH_PLANE_GATEWAY_REGION",
} as const;

/** This process as a gateway; undefined where it shall be none. Fails with `argument-invalid` where half of it is missing. */
export function gatewayOf(config: {
  readonly gatewayName?: string | undefined;
  readonly gatewayUrl?: URL | undefined;
  readonly gatewayRegion?: string | undefined;
}): GatewayAddress | undefined {
  const { gatewayName: name, gatewayUrl: url, gatewayRegion: region = "" } = config;
  if ((name === undefined) !== (url === undefined))
    throw new BerthError("argument-invalid", "--gateway-name and --gateway-url go together");
  return name === undefined || url === undefined ? undefined : { name, url: url.origin, region };
}
