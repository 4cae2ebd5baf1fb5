// Builds examples/nextjs for production and starts it.

import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { asLocalhost } from './browser.mjs';
import { freePort, stopChild, until } from './server.mjs';

const START_SECONDS_MAX = 30;
const directory = path.resolve(import.meta.dirname, '../../examples/nextjs');
const next = path.join(directory, 'node_modules/next/dist/bin/next');
const shiftClock = path.join(import.meta.dirname, 'shift-clock.mjs');

export async function startNextApp(server) {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_OSTIARY_URL: asLocalhost(server.apiUrl),
    NEXT_PUBLIC_STYTCH_PUBLIC_TOKEN: server.publicToken,
    STYTCH_PROJECT_ID: server.projectId,
    STYTCH_SECRET: server.secret,
  };
  delete env.NODE_ENV;
  await promisify(execFile)(process.execPath, [next, 'build'], { cwd: directory, env });

  const port = await freePort();
  const child = fork(next, ['start', '--port', String(port)], {
    cwd: directory,
    env,
    execArgv: ['--import', shiftClock],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  child.stdout.on('data', (chunk) => (log += chunk));
  child.stderr.on('data', (chunk) => (log += chunk));
  const killAtExit = () => child.kill('SIGKILL');
  process.on('exit', killAtExit);

  async function stop() {
    await stopChild(child);
    process.off('exit', killAtExit);
  }

  const url = `http://localhost:${port}`;
  try {
    await until('the app to answer', START_SECONDS_MAX, () => {
      if (child.exitCode !== null) throw new Error(`next exited with ${child.exitCode}`);
      return fetch(`${url}/login`).then(
        (response) => response.ok,
        () => false,
      );
    });
  } catch (error) {
    await stop();
    error.message += `\n${log}`;
    throw error;
  }

  return {
    url,
    stop,
    /** Moves the app's clock forward, as `server.clock.advance` does the server's. */
    async advanceClock(seconds) {
      const done = once(child, 'message');
      child.send({ advanceSeconds: seconds });
      await done;
    },
  };
}
