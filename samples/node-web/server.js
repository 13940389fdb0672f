const { createServer } = require("node:http");
const { hostname } = require("node:os");

createServer((_request, response) => response.end(`Hello from ${hostname()}, Node ${process.version}\n`)).listen(3000, "127.0.0.1");
