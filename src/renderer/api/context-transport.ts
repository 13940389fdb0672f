import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { ContextService } from "../../contract/gen/berth/v1/context_pb.js";

/**
 * How the API of a context's plane is called without knowing any token: the host makes the calls (ContextService.CallPlane).
 * There are no streams.
 */
export function contextTransport(contexts: Pick<Client<typeof ContextService>, "callPlane">, contextId: string): Transport {
  return {
    unary: async (method, signal, timeoutMs, _headers, input) => {
      const name = `${method.parent.typeName}/${method.name}`;
      const message = toBinary(method.input, create(method.input, input));
      const options = { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      const answer = await contexts.callPlane({ contextId, method: name, message }, options);
      return {
        stream: false,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: fromBinary(method.output, answer.message),
      };
    },
    stream: async (method) => {
      throw new ConnectError(`${method.parent.typeName}/${method.name} is a stream`, Code.Unimplemented);
    },
  };
}
