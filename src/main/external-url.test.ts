import { expect, test } from "vitest";
import { editorUrl, externalUrl, portUrl } from "./external-url.ts";

test.each(["https://example.org/a?b=c#d", "mailto:someone@example.org"])("%s goes to the system", (url) =>
  expect(externalUrl(url)).toBe(url),
);

test.each([
  "http://example.org",
  "file:///etc/passwd",
  "smb://host/share",
  "ms-msdt:/id",
  "vscode://file/etc/passwd",
  "javascript:alert(1)",
  "data:text/html,x",
  " https://example.org",
  "https://example.org ",
  "HTTPS://example.org",
  "JavaScript:alert(1)",
  "https:\\\\example.org",
  "https://user:password@example.org",
  "https://example.org/\u0000",
  "https://example.org\n",
  "https://",
  "mailto:a@b.test?attach=/etc/passwd",
  "x",
  "",
  `https://example.org/${"a".repeat(5000)}`,
])("%j does not", (url) => expect(externalUrl(url)).toBeUndefined());

test("an editor's link has an editor's scheme", () => {
  expect(editorUrl("vscode://vscode-remote/ssh-remote+x.berth/workspaces/x?windowId=_blank")).toBeDefined();
  for (const url of ["https://example.org", "file:///x", "vscode-evil://x", " vscode://x"]) expect(editorUrl(url)).toBeUndefined();
});

test("a port's address is on this computer", () => {
  expect(portUrl("http://127.0.0.1:3000")).toBe("http://127.0.0.1:3000/");
  for (const url of ["http://127.0.0.1", "http://127.0.0.1.evil.test:80", "http://evil.test:80", "file://127.0.0.1:1"])
    expect(portUrl(url)).toBeUndefined();
});
