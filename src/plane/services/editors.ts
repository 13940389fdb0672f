/** An editor that opens folders over ssh. */
export interface EditorEntry {
  readonly id: string;
  readonly alias: string;
  readonly name: string;
  readonly installation: string;
  /** {{HOST}} and {{FOLDER}} are put in, percent-encoded. */
  readonly urlTemplate: string;
}

const sshRemote = (scheme: string): string => `${scheme}://vscode-remote/ssh-remote+{{HOST}}{{FOLDER}}?windowId=_blank`;

/** Ids are fixed, so that a saved default stays valid. */
export const editors: readonly EditorEntry[] = [
  {
    id: "018f0000-0000-7000-8000-000000000001",
    alias: "vscode",
    name: "VS Code",
    urlTemplate: sshRemote("vscode"),
    installation: "https://code.visualstudio.com, with the extension Remote - SSH",
  },
  {
    id: "018f0000-0000-7000-8000-000000000002",
    alias: "vscode-insiders",
    name: "VS Code Insiders",
    urlTemplate: sshRemote("vscode-insiders"),
    installation: "https://code.visualstudio.com/insiders, with the extension Remote - SSH",
  },
  {
    id: "018f0000-0000-7000-8000-000000000003",
    alias: "cursor",
    name: "Cursor",
    urlTemplate: sshRemote("cursor"),
    installation: "https://cursor.com",
  },
  {
    id: "018f0000-0000-7000-8000-000000000004",
    alias: "windsurf",
    name: "Windsurf",
    urlTemplate: sshRemote("windsurf"),
    installation: "https://windsurf.com",
  },
  {
    id: "018f0000-0000-7000-8000-000000000005",
    alias: "zed",
    name: "Zed",
    urlTemplate: "zed://ssh/{{HOST}}{{FOLDER}}",
    installation: "https://zed.dev",
  },
  {
    id: "018f0000-0000-7000-8000-000000000006",
    alias: "jetbrains",
    name: "JetBrains Gateway",
    urlTemplate: "jetbrains-gateway://connect#type=ssh&deploy=true&host={{HOST}}&port=22&user=berth&projectPath={{FOLDER}}",
    installation: "https://www.jetbrains.com/remote-development/gateway",
  },
];

export function findEditor(idOrAlias: string): EditorEntry | undefined {
  return editors.find(({ id, alias }) => id === idOrAlias || alias === idOrAlias);
}

/** The link that opens a folder of the computer that ssh knows by this alias. */
export function editorLink({ urlTemplate }: EditorEntry, hostAlias: string, folder: string): string {
  return urlTemplate.replace("{{HOST}}", hostAlias).replace("{{FOLDER}}", folder.split("/").map(encodeURIComponent).join("/"));
}

export function editorIdOf(idOrAlias: string): string | undefined {
  return findEditor(idOrAlias)?.id;
}

/** Whether an organization that allows these editors, by id or alias, allows one; where it names none, it allows all. */
export function isEditorAllowed(allowed: readonly string[], idOrAlias: string): boolean {
  return allowed.length === 0 || allowed.some((one) => editorIdOf(one) === editorIdOf(idOrAlias));
}
