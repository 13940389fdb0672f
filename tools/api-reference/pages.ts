import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  ScalarType,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Row } from "../../src/plane/authorization/row.ts";
import { who } from "../authorization.ts";
import { rulesOf } from "./rules.ts";

export interface Reference {
  /** The files that services are served from, by their full name's order. */
  readonly files: readonly DescFile[];
  /** What is said of things, by full name. */
  readonly comments: ReadonlyMap<string, string>;
  readonly rowOf: (method: DescMethod) => Row | undefined;
  /** `Service/Method` of those that are not built. */
  readonly gaps: ReadonlySet<string>;
}

const title = "This page is made from `proto/` and from the table of who may do what: `npm run gen`.";

/** The pages by name: one for each file with services, and one for the types of all others. */
export function referencePages(reference: Reference): Map<string, string> {
  const withServices = reference.files.filter(({ services }) => services.length > 0);
  const others = reference.files.filter(({ services }) => services.length === 0);
  const page = new Page(reference);
  const pages = new Map(withServices.map((file) => [pageOf(file), page.ofServices(file)]));
  pages.set("types.md", [`# Types of many services`, "", title, "", ...others.flatMap((file) => page.typesOf(file))].join("\n"));
  const lines = withServices.flatMap((file) => file.services.map((service) => `- [${service.name}](${pageOf(file)}): ${namesOf(service)}`));
  pages.set("README.md", ["# API reference", "", `${title} How to call it stands in [API.md](../API.md).`, "", ...lines, ""].join("\n"));
  return pages;
}

function namesOf({ methods }: DescService): string {
  return methods.map(({ name }) => name).join(", ");
}

function pageOf(file: DescFile): string {
  return file.services.length === 0 ? "types.md" : `${file.name.split("/").at(-1) ?? ""}.md`;
}

class Page {
  readonly #reference: Reference;

  constructor(reference: Reference) {
    this.#reference = reference;
  }

  ofServices(file: DescFile): string {
    const services = file.services.flatMap((service) => [
      `# ${service.name}`,
      "",
      ...this.#said(service.typeName),
      title,
      "",
      ...service.methods.flatMap((method) => this.#method(method)),
    ]);
    const types = this.typesOf(file);
    return [...services, ...(types.length === 0 ? [] : ["# Types", "", ...types])].join("\n");
  }

  /** What is neither a request nor an answer, which stand with their methods. */
  typesOf(file: DescFile): string[] {
    const ofMethods = new Set(file.services.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])));
    const all = (messages: readonly DescMessage[]): (DescMessage | DescEnum)[] =>
      messages.flatMap((message) => [
        ...(ofMethods.has(message) ? [] : [message]),
        ...message.nestedEnums,
        ...all(message.nestedMessages.filter((nested) => !nested.proto.options?.mapEntry)),
      ]);
    return [...all(file.messages), ...file.enums].flatMap((type) => [
      `### ${shortName(type)}`,
      "",
      ...this.#said(type.typeName),
      ...(type.kind === "enum" ? this.#values(type) : this.#fields(type)),
    ]);
  }

  #method(method: DescMethod): string[] {
    const row = this.#reference.rowOf(method);
    const kind = [
      method.methodKind === "server_streaming" ? "answers with a stream" : "",
      method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ? "no side effects" : "",
      row === undefined ? "" : `scope \`${row.scope}\``,
    ].filter((part) => part !== "");
    return [
      `## ${method.name}`,
      "",
      ...this.#said(`${method.parent.typeName}.${method.name}`),
      ...(this.#reference.gaps.has(`${method.parent.name}/${method.name}`)
        ? ["**Answers `unimplemented`** ([why](../API.md#what-answers-unimplemented)).", ""]
        : []),
      `\`POST /${method.parent.typeName}/${method.name}\`${kind.length === 0 ? "" : `; ${kind.join(", ")}`}. Who may: ${row === undefined ? "nobody" : who(row.grants)}.`,
      "",
      "Request:",
      "",
      ...this.#fields(method.input),
      "Answer:",
      "",
      ...this.#fields(method.output),
    ];
  }

  #fields({ fields, typeName }: DescMessage): string[] {
    if (fields.length === 0) return ["nothing", ""];
    const rows = fields.map((field) => {
      const said = this.#reference.comments.get(`${typeName}.${field.name}`);
      const choice = field.oneof === undefined ? [] : [`one of \`${field.oneof.name}\``];
      const notes = [...(said === undefined ? [] : [said.replace(/\.$/, "")]), ...choice, ...rulesOf(field)];
      return `| \`${field.jsonName}\` | ${field.number} | ${this.#typeOf(field)} | ${notes.join("; ")} |`;
    });
    return ["| field | number | type | |", "|---|---|---|---|", ...rows, ""];
  }

  #values({ values, typeName }: DescEnum): string[] {
    return [
      ...values.map(({ name, number }) => {
        const said = this.#reference.comments.get(`${typeName}.${name}`);
        return `- \`${name}\` = ${number}${said === undefined ? "" : `: ${said}`}`;
      }),
      "",
    ];
  }

  #typeOf(field: DescField): string {
    switch (field.fieldKind) {
      case "scalar":
        return `${scalarName(field.scalar)}${field.proto.proto3Optional ? ", optional" : ""}`;
      case "enum":
        return this.#link(field.enum);
      case "message":
        return this.#link(field.message);
      case "list":
        return `list of ${field.listKind === "scalar" ? scalarName(field.scalar) : this.#link(field.listKind === "enum" ? field.enum : field.message)}`;
      case "map":
        return `map of ${field.mapKind === "scalar" ? scalarName(field.scalar) : this.#link(field.mapKind === "enum" ? field.enum : field.message)}`;
    }
  }

  #link(type: DescMessage | DescEnum): string {
    if (!this.#reference.files.includes(type.file)) return wellKnown[type.typeName] ?? type.typeName;
    return `[${shortName(type)}](${pageOf(type.file)}#${shortName(type).toLowerCase().replaceAll(".", "")})`;
  }

  #said(fullName: string): string[] {
    const comment = this.#reference.comments.get(fullName);
    return comment === undefined ? [] : [comment, ""];
  }
}

const wellKnown: Readonly<Record<string, string>> = {
  "google.protobuf.Timestamp": "time (`2026-01-31T12:00:00Z`)",
  "google.protobuf.Duration": "duration (`90s`)",
  "google.protobuf.Any": "any message",
};

/** With the messages it is inside of. */
function shortName(type: DescMessage | DescEnum): string {
  return type.typeName.slice(type.file.proto.package.length + 1);
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}
