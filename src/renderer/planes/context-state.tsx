import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Context, Context_State } from "../../contract/gen/berth/v1/context_pb.js";
import { useFormats, useNow, useStrings } from "../app/context.ts";
import { Dot, type Tone } from "../ui/badge.tsx";

const agoTickMs = 30_000;

/** Whether somebody is signed in and the plane answers, in words. */
export function ContextState({ context }: { readonly context: Context }) {
  const { settings } = useStrings();
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const words = settings.planes;
  const looks: Readonly<Record<Context_State, readonly [Tone, string]>> = {
    [Context_State.UNSPECIFIED]: ["neutral", words.signedOut],
    [Context_State.SIGNED_OUT]: ["neutral", words.signedOut],
    [Context_State.SIGNED_IN]: ["ok", words.signedIn],
    [Context_State.OFFLINE]: ["warn", words.offline],
  };
  const [tone, word] = looks[context.state];
  const { lastReachedAt } = context;
  const isOffline = context.state === Context_State.OFFLINE;
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap" title={context.detail === "" ? undefined : context.detail}>
      <Dot tone={tone} />
      <span>
        {word}
        {isOffline && lastReachedAt !== undefined ? ` · ${words.reached(formats.ago(timestampMs(lastReachedAt), nowMs))}` : null}
      </span>
    </span>
  );
}
