// A headless browser whose pages are watched: whatever breaks the policy, leaves the server or lands on the
// console as an error is collected, and so are the findings of the accessibility checker.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const out = fileURLToPath(new URL("../out", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Sizes at which pages are looked at; 320 px is a page of 1280 px at 400 % zoom (WCAG 1.4.10). */
export const widths = { phone: 390, zoomed: 320, desktop: 1280 };

export function launch(extraArguments = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", ...extraArguments,
    ],
  });
}

/** Opens a page that is watched. `page.problems` fills while it lives. */
export async function openWatched(browser, server, path, { theme = "light", width = widths.desktop, ...options } = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: 860 },
    reducedMotion: "reduce",
    // Playwright's own bypass stays off: the policy of the page is what is checked.
    bypassCSP: false,
    ...options,
  });
  const page = await context.newPage();
  page.problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => page.problems.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${server.url}/`)) page.problems.push(`left the server: ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(server.url + path);
  return page;
}

const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Fails if the page had problems, scrolls sideways, or the checker finds anything. */
export async function assertSound(page, { isMail = false } = {}) {
  assert.deepEqual(page.problems, []);
  // The best practices are about landmarks of pages; mails have none.
  assert.deepEqual(await accessibilityFindings(page, isMail ? rules : [...rules, "best-practice"]), []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${page.url()} scrolls sideways by ${overflow} px`);
}

async function accessibilityFindings(page, runOnly) {
  // Through the debugger, which the page's policy does not bind; a script element would be refused.
  await page.evaluate(axe);
  // The mail inside the preview frame is looked at on its own.
  const { violations } = await page.evaluate(
    (runOnly) => globalThis.axe.run(document, { runOnly, iframes: false }),
    runOnly,
  );
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}

/** Keeps a picture of the page in out/. */
export async function shoot(page, name, { fullPage = true } = {}) {
  mkdirSync(`${out}/screenshots`, { recursive: true });
  await page.screenshot({ path: `${out}/screenshots/${name}.png`, fullPage });
}
