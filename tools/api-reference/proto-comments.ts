/** What stands above services, methods, messages, enums, fields and values in a .proto file, by full name. */
export function protoComments(source: string): Map<string, string> {
  const comments = new Map<string, string>();
  const packageName = /^package ([\w.]+);/m.exec(source)?.[1] ?? "";
  const scopes: string[] = [packageName];
  let above: string[] = [];
  for (const line of source.split("\n").map((text) => text.trim())) {
    const comment = /^\/\/ ?(.*)$/.exec(line)?.[1];
    if (comment !== undefined) {
      above.push(comment);
      continue;
    }
    const opened = /^(?:message|enum|service|oneof|rpc) (\w+)/.exec(line)?.[1];
    const name = opened ?? /^(?:(?:repeated|optional) )?(?:map<[^>]+> |[\w.]+ )?(\w+) = -?\d+/.exec(line)?.[1];
    // The fields of a oneof are the message's.
    const path = scopes.filter((scope) => scope !== "");
    if (name !== undefined && above.length > 0) comments.set([...path, name].join("."), above.join(" "));
    above = [];
    if (line.endsWith("{")) scopes.push(/^(?:message|enum|service) /.test(line) ? (opened ?? "") : "");
    if (line.startsWith("}")) scopes.pop();
  }
  return comments;
}
