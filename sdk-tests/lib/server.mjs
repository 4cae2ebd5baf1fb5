// Starts one `ostiary dev` for a test file and speaks to its inbox and clock.
//
//   const server = await startServer();
//   after(() => server.stop());
//   const mail = await server.inbox.lastFor('ada@acme.example');
//   await server.clock.advance(11 * 60);
//
// The engine comes from ENGINE (`sqlite`, the default, or `postgres`), the binary from OSTIARY_BIN.

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const START_SECONDS_MAX = 20;
const MAIL_SECONDS_MAX = 10;

const root = path.resolve(import.meta.dirname, '../..');
const binary = process.env.OSTIARY_BIN ?? path.join(root, 'target/debug/ostiary');

/** The environment without the server's settings, so that only what a test says counts. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OSTIARY_')));

export const engine = process.env.ENGINE ?? 'sqlite';

// A test process that is told to stop still runs its exit handlers, so that no child outlives it.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** A name that no other test has. */
export const unique = (prefix) => `${prefix}-${randomBytes(5).toString('hex')}`;

/** An address that no other test has, at a domain of its own unless one is given. */
export const uniqueEmail = (domain = `${unique('d')}.example`) => `${unique('m')}@${domain}`;

/** Calls `attempt` until it gives something, and fails with `what` when that takes too long. */
export async function until(what, secondsMax, attempt) {
  const deadline = Date.now() + secondsMax * 1000;
  for (;;) {
    const result = await attempt();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`timed out after ${secondsMax} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Ends a child with SIGTERM, or SIGKILL when it does not listen. */
export async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(impatience);
}

/**
 * Starts a server. `settings` are those of its project that differ from `ostiary dev`; with `tls` it serves https too,
 * at `https.url` under the authority in `https.authorityFile`.
 */
export async function startServer({ settings = {}, tls = false } = {}) {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'ostiary-sdk-'));
  const database = engine === 'postgres' ? await createDatabase() : null;
  const storage = ['--data', dataDir, ...(database ? ['--database-url', database.url] : [])];

  async function discard() {
    await rm(dataDir, { recursive: true, force: true });
    await database?.drop();
  }

  try {
    const assignments = Object.entries(settings).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    if (assignments.length) {
      // The project is there once the server has started; it reads its settings as it starts again.
      await (await start(dataDir, storage)).stop();
      await promisify(execFile)(binary, ['settings', 'set', '--dev', ...storage, ...assignments], { env });
    }
    const tlsPort = tls && (await freePort());
    const { stop, ...server } = await start(dataDir, tls ? [...storage, '--tls-listen', `127.0.0.1:${tlsPort}`] : storage);
    return {
      ...server,
      https: tls && { url: `https://localhost:${tlsPort}`, authorityFile: path.join(dataDir, 'dev-tls/ca.pem') },
      async stop() {
        await stop();
        await discard();
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function start(dataDir, options) {
  const port = await freePort();
  const child = spawn(binary, ['dev', '--listen', `127.0.0.1:${port}`, ...options], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

  // The log is kept for failures only.
  let log = '';
  const keep = (chunk) => (log = (log + chunk).slice(-20_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let failure;
  child.on('error', (error) => (failure = error));

  const killAtExit = () => child.kill('SIGKILL');
  process.on('exit', killAtExit);

  async function stop() {
    await stopChild(child);
    process.off('exit', killAtExit);
  }

  try {
    await until('the server to answer /healthz', START_SECONDS_MAX, async () => {
      if (failure) throw failure;
      if (child.exitCode !== null) throw new Error(`ostiary exited with ${child.exitCode}`);
      return fetch(`http://127.0.0.1:${port}/healthz`).then(
        (response) => response.status === 200,
        () => false,
      );
    });
    const credentials = JSON.parse(await readFile(path.join(dataDir, 'credentials.json'), 'utf8'));
    return {
      credentials,
      apiUrl: credentials.api_url,
      projectId: credentials.project_id,
      secret: credentials.secret,
      publicToken: credentials.public_token,
      inbox: inboxAt(credentials.inbox_url),
      clock: clockAt(credentials.api_url),
      log: () => log,
      stop,
    };
  } catch (error) {
    await stop();
    error.message += `\n${log}`;
    throw error;
  }
}

function inboxAt(url) {
  /** All messages to an address so far, oldest first. */
  async function messagesFor(address) {
    const response = await fetch(`${url}/messages?to=${encodeURIComponent(address)}`);
    if (!response.ok) throw new Error(`inbox: ${response.status} ${await response.text()}`);
    return (await response.json()).messages;
  }

  /** The newest message to an address, once `count` have come. */
  async function lastFor(address, { count = 1 } = {}) {
    const messages = await until(`message ${count} to ${address}`, MAIL_SECONDS_MAX, async () => {
      const found = await messagesFor(address);
      return found.length >= count && found;
    });
    return messages.at(-1);
  }

  return { messagesFor, lastFor };
}

function clockAt(apiUrl) {
  return {
    /** The server's time in milliseconds since 1970. */
    async now() {
      const response = await fetch(`${apiUrl}/dev/clock`);
      if (!response.ok) throw new Error(`clock: ${response.status} ${await response.text()}`);
      return Date.parse((await response.json()).now);
    },
    /** Moves the server's clock forward; the SDK's own clock stays where it is. */
    async advance(seconds) {
      const response = await fetch(`${apiUrl}/dev/clock`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ advance_seconds: seconds }),
      });
      if (!response.ok) throw new Error(`clock: ${response.status} ${await response.text()}`);
    },
  };
}

/** A fresh database on the PostgreSQL server that OSTIARY_TEST_POSTGRES_URL names. */
async function createDatabase() {
  const admin = process.env.OSTIARY_TEST_POSTGRES_URL;
  if (!admin) throw new Error('ENGINE=postgres needs OSTIARY_TEST_POSTGRES_URL');
  const psql = (sql) => promisify(execFile)('psql', ['--quiet', '--no-psqlrc', '--dbname', admin, '--command', sql]);
  const name = unique('ostiary_sdk').replaceAll('-', '_');
  await psql(`CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => psql(`DROP DATABASE ${name} WITH (FORCE)`) };
}
