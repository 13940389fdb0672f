import { timestampMs } from "@bufbuild/protobuf/wkt";
import { EnvironmentStatus_DevContainer_Presence } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { Copy } from "lucide-react";
import { useCopy, useFormats, useNow, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { IconButton } from "../../../ui/button.tsx";
import { Facts } from "../../../ui/row.tsx";

const agoTickMs = 30_000;

/** What the container is and how it is reached. */
export function ContainerFacts({ row }: { readonly row: EnvironmentRow }) {
  const { environment } = useStrings();
  const words = environment.overview;
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const { details, environment: env } = row.view;
  const devcontainer = env.status?.devcontainer;
  const generated = devcontainer?.devcontainerFilePresence === EnvironmentStatus_DevContainer_Presence.GENERATED;
  const started = env.metadata?.lastStartedAt;
  const known = (value: string | undefined): string => (value === undefined || value === "" ? words.unknown : value);
  return (
    <Facts
      rows={[
        {
          name: words.configuration,
          value: generated ? words.generated : known(devcontainer?.devcontainerFilePath),
        },
        { name: words.containerName, value: known(devcontainer?.containerName) },
        { name: words.user, value: known(devcontainer?.remoteUser) },
        { name: words.folder, value: known(devcontainer?.remoteWorkspaceFolder) },
        { name: words.ssh, value: <Copied text={details?.sshCommand ?? ""} label={words.copySsh} /> },
        ...(details?.sourceFolder === undefined || details.sourceFolder === ""
          ? []
          : [{ name: words.source, value: details.sourceFolder }]),
        {
          name: words.machine,
          value: row.machine === "own" ? words.ownMachine : row.machine === "shared" ? words.sharedMachine : words.unknown,
        },
        ...(started === undefined ? [] : [{ name: words.started, value: formats.ago(timestampMs(started), nowMs) }]),
        { name: words.created, value: formats.dateTime(row.createdMs) },
      ]}
    />
  );
}

function Copied({ text, label }: { readonly text: string; readonly label: string }) {
  const copy = useCopy();
  return (
    <span className="flex items-center gap-1">
      <code className="min-w-0 truncate font-mono text-sm">{text}</code>
      <IconButton icon={Copy} label={label} className="size-6" onClick={() => copy(text)} />
    </span>
  );
}
