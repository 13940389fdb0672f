import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printDescriptor } from "./print-descriptor.ts";

/** `npm run gen` makes src/contract/gen from proto/; `node tools/proto/main.ts FOLDER` another folder. */
const root = join(import.meta.dirname, "../..");
const out = resolve(process.argv[2] ?? join(root, "src/contract/gen"));
const validateFolder = join(root, ".cache/protovalidate/buf/validate");
mkdirSync(validateFolder, { recursive: true });
writeFileSync(join(validateFolder, "validate.proto"), printDescriptor(file_buf_validate_validate));
// The template holds the folder of the generated code, which a check makes elsewhere.
const template = readFileSync(join(root, "buf.gen.yaml"), "utf8").replace("src/contract/gen", out);
execFileSync("buf", ["generate", `--template=${template}`], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
});
