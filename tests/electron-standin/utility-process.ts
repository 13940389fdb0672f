import { EventEmitter } from "node:events";

/** What Electron gives to a utility process, in one of Node's: its end with the app, and `process.parentPort`. */
process.on("disconnect", () => process.exit(9));

const parentPort = new EventEmitter();
// Messages wait until somebody listens, as Electron has it.
parentPort.on("newListener", (event) => {
  if (event === "message" && process.listenerCount("message") === 0)
    process.on("message", (data) => parentPort.emit("message", { data, ports: [] }));
});
Object.assign(process, { parentPort });
