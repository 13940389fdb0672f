import type { DescService, Message } from "@bufbuild/protobuf";
import { createContextKey, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { isCreating } from "./creating-methods.ts";

/** What a call is answered with instead of being carried out. */
export const knownAnswerKey = createContextKey<Message | undefined>(undefined, { description: "the answer that the call had before" });

/** The methods of a service, whose creating ones give a known answer. Only from in here an answer gets its protocol's headers. */
export function givingKnownAnswers<Service extends DescService>(
  service: Service,
  methods: Partial<ServiceImpl<Service>>,
): Partial<ServiceImpl<Service>> {
  const giving = { ...methods };
  for (const descriptor of service.methods.filter(isCreating)) {
    const method: unknown = Reflect.get(methods, descriptor.localName);
    if (typeof method !== "function") continue;
    const carriedOut = async (request: unknown, context: HandlerContext): Promise<unknown> =>
      context.values.get(knownAnswerKey) ?? Reflect.apply(method, methods, [request, context]);
    Reflect.set(giving, descriptor.localName, carriedOut);
  }
  return giving;
}
