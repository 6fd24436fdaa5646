// An HTTP server that counts its requests, and its timer's ticks. The argument is its port.
import { createServer } from 'node:http';
import process from 'node:process';
import { setInterval, setTimeout } from 'node:timers';

let requests = 0;
let ticks = 0;
setInterval(() => ticks++, 5);
const server = createServer((request, response) => {
  if (request.url === '/end') process.exitCode = 3;
  response.end(`${++requests} ${ticks}`);
  if (request.url === '/end') setTimeout(() => process.exit(), 1);
});
server.keepAliveTimeout = 3_600_000;
server.listen(Number(process.argv[2]), '127.0.0.1');
