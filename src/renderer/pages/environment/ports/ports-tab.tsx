import { Copy, ExternalLink, Pencil, Unplug } from "lucide-react";
import { useState } from "react";
import type { ForwardedPort } from "../../../../contract/gen/berth/v1/host_pb.js";
import { EnvironmentSpec_EnvironmentPort_Protocol } from "../../../../contract/gen/gitpod/v1/environment_pb.js";
import { useApp, useCopy, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { Dot } from "../../../ui/badge.tsx";
import { IconButton } from "../../../ui/button.tsx";
import { EmptyState } from "../../../ui/states.tsx";
import { NotRunning } from "../not-running.tsx";
import { NameDialog } from "../terminal/name-dialog.tsx";

/** The public API keeps names of these only. */
const lowestNamedPort = 1024;

/** What listens in the container, and where it answers on this computer. */
export function PortsTab({ row }: { readonly row: EnvironmentRow }) {
  const { environment } = useStrings();
  const words = environment.ports;
  const { clients, toasts } = useApp();
  const [renaming, setRenaming] = useState<ForwardedPort | undefined>();
  const ports = (row.view.details?.ports ?? []).toSorted((a, b) => a.containerPort - b.containerPort);
  if (row.state !== "running" && row.state !== "recovery" && row.state !== "choice")
    return <NotRunning row={row} detail={words.notRunning} />;
  if (ports.length === 0)
    return (
      <EmptyState icon={Unplug} title={words.none}>
        {words.noneDetail}
      </EmptyState>
    );
  const rename = async ({ containerPort }: ForwardedPort, name: string): Promise<void> => {
    const existing = row.view.environment.spec?.ports.find((p) => p.port === containerPort);
    const port = {
      port: containerPort,
      admission: existing?.admission ?? 0,
      protocol: existing?.protocol ?? EnvironmentSpec_EnvironmentPort_Protocol.UNSPECIFIED,
      name,
    };
    await clients.environments
      .updateEnvironment({ environmentId: row.id, spec: { ports: [port] } })
      .catch((failure: unknown) => void toasts.failed(failure));
  };
  return (
    <>
      <div className="p-4">
        <table className="w-full border-separate border-spacing-0 rounded-md border">
          <thead>
            <tr className="text-left text-muted">
              {[words.port, words.label, words.process, words.address, words.visibility].map((heading) => (
                <th key={heading} scope="col" className="h-8 border-b px-3 font-medium">
                  {heading}
                </th>
              ))}
              <th scope="col" className="w-28 border-b px-3">
                <span className="sr-only">{words.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {ports.map((port) => (
              <PortRow key={`${port.containerHost}:${port.containerPort}`} port={port} onRename={() => setRenaming(port)} />
            ))}
          </tbody>
        </table>
        <p className="mt-2 text-sm text-muted">{words.visibilityDetail}</p>
      </div>
      {renaming === undefined ? null : (
        <NameDialog
          title={words.renameTitle(renaming.containerPort)}
          label={words.label}
          hint={words.renameHint}
          value={renaming.label}
          onClose={() => setRenaming(undefined)}
          onSubmit={async (name) => rename(renaming, name)}
        />
      )}
    </>
  );
}

function PortRow({ port, onRename }: { readonly port: ForwardedPort; readonly onRename: () => void }) {
  const { environment } = useStrings();
  const words = environment.ports;
  const copy = useCopy();
  const cell = "h-9 border-b px-3 group-last:border-b-0";
  const unnamed = port.containerPort < lowestNamedPort ? words.lowPort : undefined;
  return (
    <tr className="group hover:bg-hover">
      <td className={`${cell} whitespace-nowrap tabular-nums`}>
        <span className="inline-flex items-center gap-2">
          <Dot tone={port.failureMessage !== "" ? "danger" : port.listening ? "ok" : "neutral"} />
          {port.containerPort}
          <span className="sr-only">{port.listening ? words.listening : words.silent}</span>
        </span>
      </td>
      <td className={cell}>{port.label}</td>
      <td className={`${cell} text-muted`}>{port.processName}</td>
      <td className={cell}>
        {port.failureMessage !== "" ? (
          <span className="text-danger">{port.failureMessage}</span>
        ) : port.url === "" ? (
          <span className="text-muted">{words.silent}</span>
        ) : (
          <a href={port.url} target="_blank" rel="noreferrer" className="text-accent hover:underline">
            {port.url.replace(/^https?:\/\//, "")}
          </a>
        )}
      </td>
      <td className={`${cell} text-muted`}>{words.thisComputer}</td>
      <td className={`${cell} whitespace-nowrap`}>
        <span className="flex justify-end">
          <IconButton
            icon={ExternalLink}
            label={words.open(port.containerPort)}
            disabledReason={port.url === "" ? words.silent : undefined}
            onClick={() => window.open(port.url, "_blank", "noopener,noreferrer")}
          />
          <IconButton
            icon={Copy}
            label={words.copy(port.containerPort)}
            disabledReason={port.url === "" ? words.silent : undefined}
            onClick={() => copy(port.url)}
          />
          <IconButton icon={Pencil} label={words.rename(port.containerPort)} disabledReason={unnamed} onClick={onRename} />
        </span>
      </td>
    </tr>
  );
}
