/** `Service/Method` of each method that docs/API.md says answers `unimplemented`. */
export function documentedGaps(apiDocument: string): string[] {
  const [, section = ""] = apiDocument.split("## What answers `unimplemented`");
  const rows = section.split("\n").flatMap((line) => {
    const [, service, methods] = /^\| (\w+Service) \| ([\w, ]+) \|/.exec(line) ?? [];
    return service === undefined || methods === undefined ? [] : [{ service, methods: methods.split(", ") }];
  });
  return rows.flatMap(({ service, methods }) => methods.map((method) => `${service}/${method}`));
}
