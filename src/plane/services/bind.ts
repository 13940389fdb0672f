import type { DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, createServiceImplSpec, type MethodImplSpec, type ServiceImpl } from "@connectrpc/connect";
import { givingKnownAnswers } from "../idempotency/known-answers.ts";

/** A method whose answer is a stream, as it is built. */
export type StreamMethod = Extract<MethodImplSpec, { readonly kind: "server_streaming" }>;

export interface BoundService {
  readonly register: (router: ConnectRouter) => void;
  /** `package.Service/Method` of each method that is not built. */
  readonly unbuilt: readonly string[];
  readonly streams: readonly StreamMethod[];
}

/** A service with the methods that are built; the others answer `unimplemented`. */
export function bind<Service extends DescService>(service: Service, methods: Partial<ServiceImpl<Service>>): BoundService {
  return {
    register: (router) => router.service(service, givingKnownAnswers(service, methods)),
    unbuilt: service.methods.filter((m) => !Object.hasOwn(methods, m.localName)).map((m) => `${service.typeName}/${m.name}`),
    streams: streamsOf(service, methods),
  };
}

function streamsOf<Service extends DescService>(service: Service, methods: Partial<ServiceImpl<Service>>): StreamMethod[] {
  const { methods: specs } = createServiceImplSpec(service, methods);
  return Object.entries(specs).flatMap(([name, spec]) => (spec.kind === "server_streaming" && Object.hasOwn(methods, name) ? [spec] : []));
}
