import { openDatabase } from "../../../src/plane/store/sqlite/database.ts";
import { migrations } from "../../../src/plane/store/sqlite/migrations.ts";

/** Brings the store in its argument to a version with work to do, and waits to be killed. */
process.stdout.write("opening\n");
openDatabase(process.argv[2] ?? "", [
  ...migrations,
  "ALTER TABLE resources ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; UPDATE resources SET data = zeroblob(301)",
]);
setInterval(() => undefined, 1000);
