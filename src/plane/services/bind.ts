import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { givingKnownAnswers } from "../idempotency/known-answers.ts";

export interface BoundService {
  readonly register: (router: ConnectRouter) => void;
  /** `package.Service/Method` of each method that is not built. */
  readonly unbuilt: readonly string[];
}

/** A service with the methods that are built; the others answer `unimplemented`. */
export function bind<Service extends DescService>(service: Service, methods: Partial<ServiceImpl<Service>>): BoundService {
  return {
    register: (router) => router.service(service, givingKnownAnswers(service, methods)),
    unbuilt: service.methods.filter((m) => !Object.hasOwn(methods, m.localName)).map((m) => `${service.typeName}/${m.name}`),
  };
}
