import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { EditorService } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { type Editor, EditorSchema } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { sshAliasOf } from "../../lib/ssh-alias.ts";
import { EnvironmentRecords } from "../environment-records.ts";
import { paginate } from "../pagination.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { type EditorEntry, editorLink, editors, findEditor, isEditorAllowed } from "./editors.ts";
import { policiesOf, refuseByPolicy } from "./organization-policies.ts";
import { refuse } from "./supported-spec.ts";

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
    const found = findEditor(idOrAlias);
    if (found === undefined) throw new BerthError("resource-not-found", `there is no editor '${idOrAlias}'`);
    return found;
  };
  const allowedIn = async ({ store }: RequestScope): Promise<readonly string[]> =>
    (await policiesOf(store, store.organizationId)).allowedEditorIds;
  return {
    listEditors: async ({ filter, pagination }, context) => {
      const allowed = filter?.allowedByPolicy === true ? await allowedIn(scopeOf(context)) : [];
      const wanted = editors.filter(({ id }) => isEditorAllowed(allowed, id));
      const list = JSON.stringify(["editors", filter ?? null]);
      const { page, nextToken } = paginate(wanted, (editor) => editor.id, pagination, { tokens, list });
      return { editors: page.map(editorMessage), pagination: { nextToken } };
    },
    getEditor: (request) => ({ editor: editorMessage(find(request.id)) }),
    resolveEditorURL: async (request, context) => {
      const editor = find(request.editorId);
      if (request.version !== "") refuse("version: the editor that is installed is opened");
      const scope = scopeOf(context);
      if (!isEditorAllowed(await allowedIn(scope), editor.id))
        refuseByPolicy("allowed_editor_ids", `${editor.name} is none of the editors that it names`);
      const environment = await new EnvironmentRecords(scope.store, now).get(request.environmentId);
      const folder = environment.status?.devcontainer?.remoteWorkspaceFolder;
      if (folder === undefined || folder === "")
        throw new BerthError("environment-not-running", "its folder is known once its dev container has been made");
      return { url: editorLink(editor, sshAliasOf(environment.metadata?.name ?? "", environment.id), folder) };
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
