import type { ReactNode } from "react";
import { useFormats, useStrings } from "../../app/context.ts";
import { Badge } from "../../ui/badge.tsx";
import { Link } from "../../ui/link.tsx";
import type { Bill } from "./bill.ts";

/** The bill line by line. */
export function DiskTable({ bill }: { readonly bill: Bill }) {
  const { machine: words } = useStrings();
  const { disk } = words;
  const formats = useFormats();
  const free = <Badge tone="accent">{disk.canBeFreed}</Badge>;
  return (
    <div className="overflow-x-auto rounded-md border">
      <table className="w-full border-collapse tabular-nums">
        <caption className="sr-only">{disk.description}</caption>
        <thead>
          <tr className="bg-sunken text-sm text-muted">
            <th scope="col" className="px-3 py-1.5 text-left font-medium">
              {disk.environment}
            </th>
            {[disk.workingCopy, disk.container, disk.images, disk.volumes, disk.total].map((title) => (
              <th key={title} scope="col" className="px-3 py-1.5 text-right font-medium whitespace-nowrap">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bill.environments.map((e) => (
            <tr key={e.id} className="border-t">
              <th scope="row" className="max-w-52 truncate px-3 py-1.5 text-left font-normal">
                <Link to={{ page: "environment", id: e.id, tab: "overview" }} className="hover:underline">
                  {e.name}
                </Link>
              </th>
              {[e.workingCopyBytes, e.containerBytes, e.imagesBytes, e.volumesBytes].map((bytes, index) => (
                // The columns never change their places.
                <td key={index} className="px-3 py-1.5 text-right whitespace-nowrap text-muted">
                  {bytes === 0 ? "–" : formats.bytes(bytes)}
                </td>
              ))}
              <td className="px-3 py-1.5 text-right whitespace-nowrap">{formats.bytes(e.totalBytes)}</td>
            </tr>
          ))}
        </tbody>
        <tbody>
          <CommonRow name={disk.sharedImages} bytes={bill.sharedImagesBytes} />
          <CommonRow name={disk.unusedImages} bytes={bill.unusedImagesBytes} note={bill.unusedImagesBytes > 0 ? free : undefined} />
          <CommonRow name={disk.buildCache} bytes={bill.buildCacheBytes} note={bill.buildCacheBytes > 0 ? free : undefined} />
          <CommonRow name={disk.otherVolumes} bytes={bill.otherVolumesBytes} />
          <CommonRow name={disk.system} bytes={bill.systemBytes} />
        </tbody>
        <tfoot>
          <tr className="border-t bg-sunken font-medium">
            <th scope="row" colSpan={5} className="px-3 py-1.5 text-left">
              {disk.all}
            </th>
            <td className="px-3 py-1.5 text-right whitespace-nowrap">{formats.bytes(bill.usedBytes)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function CommonRow({ name, bytes, note }: { readonly name: string; readonly bytes: number; readonly note?: ReactNode }) {
  const formats = useFormats();
  return (
    <tr className="border-t">
      <th scope="row" colSpan={5} className="px-3 py-1.5 text-left font-normal">
        <span className="flex items-center gap-2">
          {name}
          {note}
        </span>
      </th>
      <td className="px-3 py-1.5 text-right whitespace-nowrap">{formats.bytes(bytes)}</td>
    </tr>
  );
}
