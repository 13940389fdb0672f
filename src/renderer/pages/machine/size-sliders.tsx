import { useFormats, useStrings } from "../../app/context.ts";
import { Slider } from "../../ui/slider.tsx";
import { diskStepBytes, memoryStepBytes, type Size, type SizeBounds } from "./size.ts";

/** The three numbers of a machine's size. */
export function SizeSliders({
  size,
  bounds: { least, greatest, usual, muchMemoryBytes },
  onChange,
}: {
  readonly size: Size;
  readonly bounds: SizeBounds;
  readonly onChange: (size: Size) => void;
}) {
  const { machine } = useStrings();
  const words = machine.size;
  const formats = useFormats();
  return (
    <>
      <Slider
        label={words.cpus}
        value={size.cpus}
        min={least.cpus}
        max={greatest.cpus}
        step={1}
        shown={words.cpusShown}
        note={words.usual(words.cpusShown(usual.cpus))}
        onChange={(cpus) => onChange({ ...size, cpus })}
      />
      <Slider
        label={words.memory}
        value={size.memoryBytes}
        min={least.memoryBytes}
        max={greatest.memoryBytes}
        step={memoryStepBytes}
        shown={formats.bytes}
        note={words.usual(formats.bytes(usual.memoryBytes))}
        onChange={(memoryBytes) => onChange({ ...size, memoryBytes })}
      />
      {size.memoryBytes > muchMemoryBytes ? (
        <p role="status" className="-mt-3 text-sm text-warn">
          {words.muchMemory}
        </p>
      ) : null}
      <Slider
        label={words.disk}
        value={size.diskBytes}
        min={least.diskBytes}
        max={greatest.diskBytes}
        step={diskStepBytes}
        shown={formats.bytes}
        note={words.diskNote}
        onChange={(diskBytes) => onChange({ ...size, diskBytes })}
      />
    </>
  );
}
