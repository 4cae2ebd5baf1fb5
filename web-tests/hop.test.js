// The page behind a mail link: people go on, programs that open links do not (spec 01b §1, spec 05b §4, W-05).

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { launch, openWatched } from "./lib/browser.js";
import { FakeServer, render } from "./lib/server.js";

const desktopAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";
/** Longer than any timer in the page: there is none, so nothing may happen in this time. */
const quietMs = 1500;

let driven, disguised, server;
before(async () => {
  render();
  driven = await launch();
  // Hides that a program drives it, as scanners do.
  disguised = await launch(["--disable-blink-features=AutomationControlled"]);
  server = await FakeServer.start();
});
beforeEach(() => {
  server.requests.length = 0;
});
after(async () => {
  await driven?.close();
  await disguised?.close();
  await server?.stop();
});

const appRequests = () => server.requests.filter((request) => request.includes(" /app"));

test("the button leads to the app with the token, and on to wherever the app sends its people", async () => {
  const page = await openWatched(driven, server, "/hop/live");
  page.problems.length = 0;
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${server.otherOrigin}/welcome#top`);
  assert.deepEqual(appRequests(), ["GET /app?token=k3V9%3D&a=b+c"]);
});

test("the button works without script", async () => {
  const page = await openWatched(driven, server, "/hop/live", { javaScriptEnabled: false });
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(/\/welcome/);
  assert.deepEqual(appRequests(), ["GET /app?token=k3V9%3D&a=b+c"]);
});

test("a browser that a program drives never goes on by itself", async () => {
  const page = await openWatched(driven, server, "/hop/live");
  await page.mouse.move(100, 100);
  await page.mouse.move(300, 300);
  await page.keyboard.press("Tab");
  await page.waitForTimeout(quietMs);
  assert.equal(page.url(), `${server.url}/hop/live`);
  assert.deepEqual(appRequests(), []);
});

test("a disguised browser without a mouse does not go on, even with events made by script", async () => {
  const page = await openWatched(disguised, server, "/hop/live", { userAgent: desktopAgent });
  assert.equal(await page.evaluate(() => navigator.webdriver), false);
  await page.evaluate(() => dispatchEvent(new PointerEvent("pointermove", { pointerType: "mouse" })));
  await page.keyboard.press("Tab");
  await page.waitForTimeout(quietMs);
  assert.deepEqual(appRequests(), []);
});

test("a headless browser that says so does not go on", async () => {
  const page = await openWatched(disguised, server, "/hop/live", { userAgent: `${desktopAgent} HeadlessChrome` });
  await page.mouse.move(100, 100);
  await page.waitForTimeout(quietMs);
  assert.deepEqual(appRequests(), []);
});

test("a person's mouse over the page goes on, and back does not lead to the page again", async () => {
  const page = await openWatched(disguised, server, "/error", { userAgent: desktopAgent });
  await page.goto(`${server.url}/hop/live`);
  await page.mouse.move(100, 100);
  await page.waitForURL(/\/welcome/);
  assert.deepEqual(appRequests(), ["GET /app?token=k3V9%3D&a=b+c"]);
  await page.goBack();
  assert.equal(page.url(), `${server.url}/error`);
});

test("fetching the page often and in every way leads nowhere", async () => {
  for (const method of ["GET", "HEAD"]) {
    for (let time = 0; time < 20; time += 1) {
      const answer = await fetch(`${server.url}/hop/live`, { method, redirect: "manual" });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("location"), null);
      assert.equal(answer.headers.get("refresh"), null);
    }
  }
  assert.deepEqual(appRequests(), []);
});
