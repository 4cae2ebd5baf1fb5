// `node lib/serve.mjs` starts a server for suites in other languages: it prints the credentials as one line of JSON
// and stops when its standard input closes.
import { startServer } from './server.mjs';

const server = await startServer();
console.log(JSON.stringify(server.credentials));
process.stdin.resume().on('end', () => server.stop());
