// Runs in the machine by `node --eval`, with arguments `up|down|connect HOST PORT`, and prints what it took, in seconds for a transfer and
// in milliseconds for the median of many connections.
import { connect } from "node:net";

const [mode, host, port, bytesText] = process.argv.slice(1);
const bytes = Number(bytesText);
const connections = 50;
const chunk = Buffer.alloc(256 * 1024);

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => resolve(socket));
    socket.once("error", reject);
  });
}

async function up() {
  const socket = await open();
  const startedAtMs = performance.now();
  socket.write("up\n");
  for (let sent = 0; sent < bytes; sent += chunk.length)
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
  socket.end();
  // The other side ends when it has everything.
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
  return (performance.now() - startedAtMs) / 1000;
}

async function down() {
  const socket = await open();
  const startedAtMs = performance.now();
  // Not closed to one side: what is measured is the way back.
  socket.write("down\n");
  let received = 0;
  for await (const data of socket) received += data.length;
  if (received < bytes) throw new Error(`received ${received} bytes`);
  return (performance.now() - startedAtMs) / 1000;
}

async function connectOften() {
  const times = [];
  for (let n = 0; n < connections; n++) {
    const startedAtMs = performance.now();
    (await open()).destroy();
    times.push(performance.now() - startedAtMs);
  }
  return times.toSorted((a, b) => a - b)[connections / 2];
}

process.stdout.write(String(await { up, down, connect: connectOften }[mode]()));
