import type { ServiceImpl } from "@connectrpc/connect";
import type { GatewayService } from "../../contract/gen/gitpod/v1/gateway_pb.js";
import { paginate } from "../pagination.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import type { Gateways } from "../tunnels/gateways.ts";

/** gitpod.v1.GatewayService: the ways in that there are now, the same for every organization. */
export function gatewayService(options: { readonly gateways: Gateways; readonly tokens: PageTokens }): ServiceImpl<typeof GatewayService> {
  const { gateways, tokens } = options;
  return {
    listGateways: async ({ pagination }) => {
      const live = await gateways.live();
      const { page, nextToken } = paginate(live, ({ name }) => name, pagination, { tokens, list: "gateways" });
      return { gateways: page, pagination: { nextToken } };
    },
  };
}
