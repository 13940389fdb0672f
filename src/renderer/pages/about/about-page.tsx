import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Copy } from "lucide-react";
import { useCallback } from "react";
import { useCall } from "../../api/use-call.ts";
import { useApp, useCopy, useFormats, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Page } from "../../ui/page.tsx";
import { Facts } from "../../ui/row.tsx";
import { Section, Sections } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import icon from "../../theme/icon.svg";
import { LicenceList } from "./licence-list.tsx";

const shownImageLetters = 12;

/** What this is, and whose work is in it. */
export function AboutPage() {
  const { about: words, shell } = useStrings();
  const { clients } = useApp();
  const formats = useFormats();
  const copy = useCopy();
  const { value, error, reload } = useCall(useCallback(async (signal: AbortSignal) => clients.host.getHost({}, { signal }), [clients]));
  const rows =
    value === undefined
      ? []
      : [
          { name: words.version, value: value.version },
          { name: words.app, value: window.berthDesktop?.version ?? words.browser },
          {
            name: words.host,
            value: words.hostOf(value.pid, value.startedAt === undefined ? "" : formats.dateTime(timestampMs(value.startedAt))),
          },
          { name: words.home, value: value.home },
          { name: words.image, value: value.imageSha256 === "" ? words.imageUnknown : value.imageSha256.slice(0, shownImageLetters) },
        ];
  return (
    <Page title={words.title}>
      <Sections>
        <div className="flex items-center gap-4">
          <img src={icon} alt="" className="size-14" />
          <div>
            <p className="text-xl font-semibold">Berth</p>
            <p className="text-muted">{words.tagline}</p>
            <p className="text-muted">{words.licences.own}</p>
          </div>
        </div>
        <Section
          title={words.version}
          actions={
            <Button icon={Copy} onClick={() => copy(rows.map((row) => `${row.name}: ${row.value}`).join("\n"))}>
              {words.copy}
            </Button>
          }
        >
          {value !== undefined ? (
            <Facts rows={rows} />
          ) : error === undefined ? (
            <Skeleton className="h-40" />
          ) : (
            <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
          )}
        </Section>
        <LicenceList />
      </Sections>
    </Page>
  );
}
