import { useId } from "react";
import { useStrings } from "../../../app/context.ts";
import { Input } from "../../../ui/input.tsx";
import { Select } from "../../../ui/select.tsx";
import { optionsOf } from "../../settings/setting.tsx";
import { FilterChip } from "../filter-chip.tsx";
import { type Looking, principalFilters, resourceFilters } from "./looking.ts";

export function AuditFilters({ looking, onLook }: { readonly looking: Looking; readonly onLook: (looking: Looking) => void }) {
  const { manage } = useStrings();
  const words = manage.auditLog;
  const { actor, subject } = looking;
  return (
    <>
      <Select
        label={words.about}
        value={looking.resource}
        options={optionsOf(words.resourceFilters, resourceFilters)}
        onChange={(resource) => onLook({ ...looking, resource })}
      />
      <Select
        label={words.by}
        value={looking.principal}
        options={optionsOf(words.principalFilters, principalFilters)}
        onChange={(principal) => onLook({ ...looking, principal })}
      />
      <Day label={words.from} value={looking.fromDay} onChange={(fromDay) => onLook({ ...looking, fromDay })} />
      <Day label={words.to} value={looking.toDay} onChange={(toDay) => onLook({ ...looking, toDay })} />
      {actor === undefined ? null : (
        <FilterChip label={words.onlyBy(actor.name)} onRemove={() => onLook({ ...looking, actor: undefined })} />
      )}
      {subject === undefined ? null : (
        <FilterChip label={words.onlyAbout(subject.name)} onRemove={() => onLook({ ...looking, subject: undefined })} />
      )}
    </>
  );
}

function Day({ label, value, onChange }: { readonly label: string; readonly value: string; readonly onChange: (day: string) => void }) {
  const id = useId();
  return (
    <span className="flex items-center gap-1.5">
      <label htmlFor={id} className="text-muted">
        {label}
      </label>
      <Input id={id} type="date" value={value} onChange={(event) => onChange(event.target.value)} className="w-36!" />
    </span>
  );
}
