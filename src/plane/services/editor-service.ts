import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { EditorService } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { type Editor, EditorSchema } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { sshAliasOf } from "../../lib/ssh-alias.ts";
import { EnvironmentRecords } from "../environment-records.ts";
import { paginate } from "../pagination.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { refuse } from "./supported-spec.ts";

interface EditorEntry {
  readonly id: string;
  readonly alias: string;
  readonly name: string;
  readonly installation: string;
  /** {{HOST}} and {{FOLDER}} are put in, percent-encoded. */
  readonly urlTemplate: string;
}

const sshRemote = (scheme: string): string => `${scheme}://vscode-remote/ssh-remote+{{HOST}}{{FOLDER}}?windowId=_blank`;

/** Ids are fixed, so that a saved default stays valid. */
const editors: readonly EditorEntry[] = [
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

/** gitpod.v1.EditorService: links that open an environment in an editor over ssh. */
export function editorService({
  scopeOf,
  tokens,
  now,
}: {
  readonly scopeOf: ScopeOf;
  readonly tokens: PageTokens;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof EditorService>> {
  const find = (idOrAlias: string): EditorEntry => {
    const found = editors.find((editor) => editor.id === idOrAlias || editor.alias === idOrAlias);
    if (found === undefined) throw new BerthError("resource-not-found", `there is no editor '${idOrAlias}'`);
    return found;
  };
  return {
    listEditors: (request) => {
      const { page, nextToken } = paginate(editors, (editor) => editor.id, request.pagination, { tokens, list: "editors" });
      return { editors: page.map(editorMessage), pagination: { nextToken } };
    },
    getEditor: (request) => ({ editor: editorMessage(find(request.id)) }),
    resolveEditorURL: async (request, context) => {
      const editor = find(request.editorId);
      if (request.version !== "") refuse("version: the editor that is installed is opened");
      const environment = await new EnvironmentRecords(scopeOf(context).store, now).get(request.environmentId);
      const folder = environment.status?.devcontainer?.remoteWorkspaceFolder;
      if (folder === undefined || folder === "")
        throw new BerthError("environment-not-running", "its folder is known once its dev container has been made");
      const encoded = folder.split("/").map(encodeURIComponent).join("/");
      return {
        url: editor.urlTemplate
          .replace("{{HOST}}", sshAliasOf(environment.metadata?.name ?? "", environment.id))
          .replace("{{FOLDER}}", encoded),
      };
    },
  };
}

function editorMessage(editor: EditorEntry): Editor {
  return create(EditorSchema, {
    id: editor.id,
    alias: editor.alias,
    name: editor.name,
    urlTemplate: editor.urlTemplate,
    installationInstructions: editor.installation,
  });
}
