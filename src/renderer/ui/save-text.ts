/** How long a browser may take to read what it saves. */
const readTimeoutMs = 60_000;

/** Has the browser save a text as a file. */
export function saveText(document: Document, name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), readTimeoutMs);
}
