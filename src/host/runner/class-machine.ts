import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { cpusField, diskGibField, machineField, memoryGibField, ownMachine, sharedMachine } from "../../contract/environment-class.ts";
import {
  type EnvironmentClass,
  EnvironmentClassValidationResultSchema,
  type RunnerConfigurationSchema_FieldSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { MachineSize } from "../settings.ts";

const gib = 1024 ** 3;

/** How small and how big a machine may be on this computer. */
export interface SizeBounds {
  readonly least: MachineSize;
  readonly greatest: MachineSize;
}

const sizeFields = [
  { id: cpusField, key: "cpus", unit: 1, name: "Processors" },
  { id: memoryGibField, key: "memoryBytes", unit: gib, name: "Memory in GiB" },
  { id: diskGibField, key: "dataDiskLimitBytes", unit: gib, name: "Disk in GiB, at most" },
] as const satisfies readonly { readonly id: string; readonly key: keyof MachineSize; readonly unit: number; readonly name: string }[];

/** What a class says of the machine of its environments. */
export interface ClassMachine {
  readonly isOwn: boolean;
  /** What is not said is of the usual size. */
  readonly size: Partial<MachineSize>;
  /** What of it this computer cannot do. */
  readonly errors: readonly { readonly key: string; readonly error: string }[];
}

/** Reads the configuration of a class; a class that does not say it has machines of their own for its environments. */
export function readClass({ configuration }: Pick<EnvironmentClass, "configuration">, bounds: SizeBounds): ClassMachine {
  const errors: { key: string; error: string }[] = [];
  const size: Partial<Record<keyof MachineSize, number>> = {};
  const machine = configuration.find(({ key }) => key === machineField)?.value ?? ownMachine;
  if (machine !== ownMachine && machine !== sharedMachine)
    errors.push({ key: machineField, error: `'${machine}' is neither ${ownMachine} nor ${sharedMachine}` });
  const isOwn = machine !== sharedMachine;
  for (const { key: id, value } of configuration) {
    if (id === machineField) continue;
    const field = sizeFields.find((one) => one.id === id);
    if (field === undefined) errors.push({ key: id, error: "this runner does not know it" });
    else if (!isOwn) errors.push({ key: id, error: "a machine that is shared has the size that it has" });
    else {
      const { least, greatest } = boundsOf(field, bounds);
      const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= greatest) size[field.key] = number * field.unit;
      else errors.push({ key: id, error: `'${value}' is no number from ${least} to ${greatest}, which this computer has` });
    }
  }
  return { isOwn, size, errors };
}

/** The fields of a class, for the plane's forms. */
export function classFields(bounds: SizeBounds): MessageInitShape<typeof RunnerConfigurationSchema_FieldSchema>[] {
  const machine: MessageInitShape<typeof RunnerConfigurationSchema_FieldSchema> = {
    id: machineField,
    name: "Machine",
    description: "Whether each environment has a machine of its own",
    required: true,
    type: {
      case: "enum",
      value: { possibleValues: [{ title: ownMachine }, { title: sharedMachine }], defaultValue: { title: ownMachine } },
    },
  };
  return [
    machine,
    ...sizeFields.map((field) => {
      const { least, greatest } = boundsOf(field, bounds);
      return {
        id: field.id,
        name: field.name,
        description: "Of a machine of its own; without it: the usual size, or more where a dev container asks for it",
        type: { case: "int" as const, value: { min: least, max: greatest } },
      };
    }),
  ];
}

/** What the plane is told of a class's configuration. */
export function validateClass(configured: Pick<EnvironmentClass, "configuration">, bounds: SizeBounds) {
  const { errors } = readClass(configured, bounds);
  return create(EnvironmentClassValidationResultSchema, { valid: errors.length === 0, configurationErrors: [...errors] });
}

function boundsOf({ key, unit }: (typeof sizeFields)[number], { least, greatest }: SizeBounds): { least: number; greatest: number } {
  return { least: Math.ceil(least[key] / unit), greatest: Math.floor(greatest[key] / unit) };
}
