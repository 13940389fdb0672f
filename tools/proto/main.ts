import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printDescriptor } from "./print-descriptor.ts";

/** `npm run gen`: makes src/contract/gen from proto/. */
const root = join(import.meta.dirname, "../..");
const validateFolder = join(root, ".cache/protovalidate/buf/validate");
mkdirSync(validateFolder, { recursive: true });
writeFileSync(join(validateFolder, "validate.proto"), printDescriptor(file_buf_validate_validate));
execFileSync("buf", ["generate"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
});
