import { Ellipsis, Info, KeyRound, Layers, Pencil, Trash2 } from "lucide-react";
import { type Runner, RunnerPhase } from "../../../../contract/gen/gitpod/v1/runner_pb.js";
import { useApp, useRoute, useStrings } from "../../../app/context.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Menu } from "../../../ui/menu.tsx";
import type { RunnerQuestion } from "./runner-questions.tsx";

/** What can be done with a runner. */
export function RunnerMenu({ runner, ask }: { readonly runner: Runner; readonly ask: (question: RunnerQuestion) => void }) {
  const { manage } = useStrings();
  const { router } = useApp();
  const route = useRoute();
  const words = manage.runners;
  const going = runner.status?.phase === RunnerPhase.DELETING ? words.phases[RunnerPhase.DELETING] : undefined;
  const showClasses = (): void => {
    if (route.page === "manage") router.go({ ...route, section: "classes" });
  };
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={manage.moreActions(runner.name)} />}
      groups={[
        {
          entries: [
            { id: "details", label: words.details, icon: Info, onSelect: () => ask({ kind: "details", runner }) },
            { id: "classes", label: words.classes, icon: Layers, onSelect: showClasses },
          ],
        },
        {
          entries: [
            { id: "rename", label: words.rename, icon: Pencil, disabledReason: going, onSelect: () => ask({ kind: "rename", runner }) },
            {
              id: "token",
              label: words.newToken,
              icon: KeyRound,
              disabledReason: going,
              onSelect: () => ask({ kind: "new-token", runner }),
            },
          ],
        },
        // Deleting one again goes on where it was left.
        { entries: [{ id: "remove", label: words.remove, icon: Trash2, danger: true, onSelect: () => ask({ kind: "remove", runner }) }] },
      ]}
    />
  );
}
