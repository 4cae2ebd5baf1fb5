// Headless Chromium, and small pages that load the unmodified browser packages.

import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

/** How long a page may take for what a test waits for. */
const PAGE_MILLISECONDS_MAX = 10_000;

export async function launchBrowser() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

  /** A browser of somebody: own cookies and storage. */
  async function newPerson() {
    const context = await browser.newContext();
    context.setDefaultTimeout(PAGE_MILLISECONDS_MAX);
    // Nothing may leave the machine.
    await context.route(
      ({ hostname }) => hostname !== 'localhost' && hostname !== '127.0.0.1',
      (route) => route.abort(),
    );
    return context;
  }

  return { newPerson, close: () => browser.close() };
}

/**
 * Serves one bundled script as a page at every path of `http://localhost:PORT`. The script finds in `CONFIG` the public
 * token, and the options with which the SDK's client calls this server.
 */
export async function servePage(server, entry, options = {}) {
  const api = asLocalhost(server.apiUrl);
  const config = {
    publicToken: server.publicToken,
    options: { endpoints: { testAPIURL: api, liveAPIURL: api }, ...options },
  };
  const { outputFiles } = await build({
    entryPoints: [path.resolve(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { CONFIG: JSON.stringify(config), 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  });
  const script = outputFiles[0].contents;
  const html = '<!doctype html><title>App</title><div id="root"></div><script type="module" src="/app.js"></script>';

  const listener = createServer((request, response) => {
    const isScript = request.url === '/app.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : html);
  }).listen(0, 'localhost');
  await once(listener, 'listening');

  return {
    url: `http://localhost:${listener.address().port}`,
    close() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}

/** The same server under the name `localhost`, so that it is of the same site as the pages. */
export const asLocalhost = (url) => url.replace('//127.0.0.1', '//localhost');

/**
 * Opens a mail's link. The page behind it goes on by itself only for a person with a mouse, since mail scanners drive
 * browsers too; a program has to press the button.
 */
export async function followLink(page, link) {
  await page.goto(link);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}
