import { useEffect, useMemo, useState } from "react";
import type { Editor } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { useApp } from "../app/context.ts";

/** The editors that an environment can be opened in; the person's own first. Empty until they are known. */
export function useEditors(defaultAlias: string): readonly Editor[] {
  const { clients, toasts } = useApp();
  const [editors, setEditors] = useState<readonly Editor[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    clients.editors.listEditors({}, { signal: ended.signal }).then(
      (answer) => setEditors(answer.editors),
      (error: unknown) => {
        if (!ended.signal.aborted) toasts.failed(error);
      },
    );
    return () => ended.abort();
  }, [clients, toasts]);
  return useMemo(
    () => editors.toSorted((a, b) => Number(b.alias === defaultAlias) - Number(a.alias === defaultAlias)),
    [editors, defaultAlias],
  );
}
