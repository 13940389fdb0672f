import { useState } from "react";
import { useEnvironment, useRoute } from "../app/context.ts";
import { ChoiceDialog } from "./choice-dialog.tsx";
import { rowOf } from "./environment-row.ts";

/** Who is at an environment that waits for a choice of its dev container is offered it, once. */
export function OfferChoice() {
  const route = useRoute();
  const id = route.page === "environment" ? route.id : "";
  const view = useEnvironment(id);
  const [declined, setDeclined] = useState("");
  const row = view === undefined ? undefined : rowOf(view);
  if (row?.state !== "choice" || declined === id) return null;
  return <ChoiceDialog key={id} row={row} onClose={() => setDeclined(id)} />;
}
