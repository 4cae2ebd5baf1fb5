// `node lib/serve.mjs [--tls]` starts a server for suites in other languages: it prints the credentials as one line of
// JSON and stops when its standard input closes.
import { startServer } from './server.mjs';

const server = await startServer({ tls: process.argv.includes('--tls') });
console.log(JSON.stringify({ ...server.credentials, https: server.https }));
process.stdin.resume().on('end', () => server.stop());
