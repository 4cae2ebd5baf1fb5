// The developer inbox at work.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { assertSound, launch, openWatched, shoot, widths } from "./lib/browser.js";
import { FakeServer, mail, render, textMessage } from "./lib/server.js";

let browser, server, page;
before(async () => {
  render();
  browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
  server = await FakeServer.start();
});
afterEach(async () => {
  await page?.context().close();
  await server.stop();
});

const minutesAgo = (minutes) => ({ created_at: new Date(Date.now() - minutes * 60_000).toISOString() });

function fill() {
  server.messages = [
    mail("m1", "Signup-fr", { to: "eleni.k@northwind.example", ...minutesAgo(61) }),
    mail("m2", "ResetPassword-en", { to: "eleni.k@northwind.example", ...minutesAgo(21) }),
    mail("m3", "Unlock-en", { to: "jonas.bergstrom@nwf.example", ...minutesAgo(6) }),
    textMessage("m4", minutesAgo(4)),
    mail("m5", "Invite-en", { to: "priya.nair@northwind.example", ...minutesAgo(2) }),
    mail("m6", "OneTimePasscode-en", { to: "jonas.bergstrom@nwf.example", ...minutesAgo(1) }),
    mail("m7", "Login-en"),
  ];
}

async function open(options = {}) {
  const context = options.permissions ?? ["clipboard-read", "clipboard-write"];
  page = await openWatched(browser, server, options.path ?? "/dev/inbox", { permissions: context, ...options });
  await page.locator("#state[data-state=live], #state[data-state=polling]").waitFor({ state: "attached" });
  return page;
}

const rows = () => page.locator("#messages li:visible");
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

test("an empty inbox teaches how to fill it", async () => {
  await open();
  await page.getByRole("heading", { name: "Nothing has been sent yet" }).waitFor();
  await page.locator("[data-copy=try-it]").click();
  assert.match(await clipboard(), /^curl http:\/\/localhost:8080\/v1\/b2b\/otps\/email\/discovery\/send/);
  await assertSound(page);
});

test("a message appears by itself and opens if none is open", async () => {
  await open();
  server.deliver(mail("m1", "OneTimePasscode-en"));
  await page.getByRole("heading", { name: "418207 is your code for Northwind Freight" }).waitFor();
  assert.equal(await page.locator("#code").textContent(), "418207");
  assert.match(await page.locator("#announcement").textContent(), /New message for mara.lindt/);
  server.deliver(textMessage("m2"));
  await rows().nth(1).waitFor();
  assert.equal(await page.locator("#messages [data-unread]").count(), 1);
  assert.match(await page.title(), /^\(1\) 418207 is your code for Northwind Freight · Inbox · Ostiary$/);
  await rows().first().locator("a").click();
  await page.getByRole("heading", { name: "Text message" }).waitFor();
  assert.equal(await page.locator("#messages [data-unread]").count(), 0);
  assert.deepEqual(page.problems, []);
});

test("without pushes the list is read every two seconds", async () => {
  server.pushes = false;
  await open();
  page.problems.length = 0; // the refused stream
  server.messages.push(mail("m1", "Login-en"));
  await rows().first().waitFor();
  assert.match(await page.locator("#state").textContent(), /Checking every 2 s/);
});

test("after the server was away, what arrived meanwhile is there", async () => {
  await open();
  server.isUp = false;
  for (const stream of server.streams) stream.destroy();
  await page.locator("#state[data-state=waiting]").waitFor({ state: "attached" });
  server.messages.push(mail("m1", "Login-en"));
  server.isUp = true;
  await rows().first().waitFor();
  assert.equal(await page.locator("#state").textContent(), "Live");
});

test("code, link and token are one click from the clipboard", async () => {
  fill();
  await open();
  await page.getByRole("heading", { name: "Sign in to Northwind Freight" }).first().waitFor();
  await page.getByRole("button", { name: "Copy link" }).click();
  assert.equal(await clipboard(), server.messages.at(-1).links[0]);
  await page.getByRole("button", { name: "Copy token" }).click();
  assert.equal(await clipboard(), new URL(server.messages.at(-1).links[0]).searchParams.get("token"));
  assert.equal(await page.locator("#open").getAttribute("href"), server.messages.at(-1).links[0]);
  assert.equal(await page.locator("#found-code").isVisible(), false);
  await page.locator("a[href='#m6']").click();
  await page.getByRole("button", { name: "Copy code" }).click();
  assert.equal(await clipboard(), "418207");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  await page.getByRole("button", { name: "Copy code" }).waitFor();
  await page.getByRole("button", { name: "Copy command" }).click();
  assert.match(await clipboard(), /--data-urlencode 'to=jonas.bergstrom@nwf.example' \\\n {2}\| jq -r '.messages\[-1\].code'$/);
});

test("keys do what the mouse does, and can be switched off", async () => {
  fill();
  await open();
  await page.keyboard.press("j");
  await page.getByRole("heading", { name: "418207 is your code" }).waitFor();
  await page.keyboard.press("c");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await clipboard(), "418207");
  await page.keyboard.press("k");
  await page.getByRole("heading", { name: "Sign in to Northwind Freight" }).first().waitFor();
  const [popup] = await Promise.all([page.context().waitForEvent("page"), page.keyboard.press("o")]);
  await popup.close();
  page.problems.length = 0; // the link leaves the server, as it should
  await page.keyboard.press("/");
  await page.keyboard.type("jonas");
  assert.equal(await rows().count(), 2);
  await page.keyboard.press("Escape");
  assert.equal(await rows().count(), 7);
  await page.getByRole("button", { name: "Keys" }).click();
  await page.getByLabel("Use these keys").uncheck();
  await assertSound(page);
  await shoot(page, "inbox-keys-desktop-light", { fullPage: false });
  await page.keyboard.press("Escape");
  const address = page.url();
  await page.keyboard.press("j");
  assert.equal(page.url(), address);
  await page.reload();
  await rows().first().waitFor();
  await page.keyboard.press("j");
  assert.equal(page.url(), address);
});

test("search looks at address, subject and code, and stands in the address", async () => {
  fill();
  await open();
  const search = page.getByRole("searchbox", { name: "Search messages" });
  for (const [query, count] of [["ELENI", 2], ["invited you", 1], ["418207", 2], ["+4670", 1]]) {
    await search.fill(query);
    assert.equal(await rows().count(), count, query);
  }
  assert.equal(await page.locator("#count").textContent(), "1 of 7 messages");
  await search.fill("nobody");
  await page.getByText("Nothing matches this search.").waitFor();
  await assertSound(page);
  await page.getByRole("button", { name: "Clear search" }).click();
  assert.equal(await rows().count(), 7);
  await page.goto(`${server.url}/dev/inbox?q=eleni`);
  await rows().first().waitFor();
  assert.equal(await rows().count(), 2);
});

test("the clock moves by its buttons and is brass when it is not real", async () => {
  fill();
  await open();
  const clock = page.locator("#clock-button");
  assert.equal(await page.getByRole("heading", { name: "Test clock" }).isVisible(), false);
  assert.match(await clock.textContent(), /real time/);
  await clock.click();
  await page.getByRole("button", { name: "+1 h" }).click();
  await page.getByRole("button", { name: "+10 min" }).click();
  await page.getByText("1 h 10 min ahead").waitFor();
  assert.equal(server.clockOffsetSeconds, 4200);
  assert.notEqual(await clock.getAttribute("data-moved"), null);
  assert.equal(await rows().first().locator("time").textContent(), "1 h");
  await page.getByRole("button", { name: "+1 day" }).click();
  await page.getByText("1 day 1 h ahead").waitFor();
  await page.getByRole("button", { name: "+1 min" }).click();
  await assertSound(page);
  await shoot(page, "inbox-clock-desktop-light", { fullPage: false });
});

test("delete all asks first, and the safe answer has the focus", async () => {
  fill();
  await open();
  await page.getByRole("button", { name: "Delete all…" }).click();
  await page.getByRole("heading", { name: "Delete all messages?" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Keep them");
  await assertSound(page);
  await shoot(page, "inbox-delete-desktop-light", { fullPage: false });
  await page.keyboard.press("Enter");
  assert.equal(await rows().count(), 7);
  await page.getByRole("button", { name: "Delete all…" }).click();
  server.isUp = false;
  await page.getByRole("button", { name: "Delete all", exact: true }).click();
  await page.getByRole("alert").waitFor();
  server.isUp = true;
  await page.getByRole("button", { name: "Delete all", exact: true }).click();
  await page.getByRole("heading", { name: "Nothing has been sent yet" }).waitFor();
  assert.deepEqual(server.messages, []);
});

test("the rendered mail runs nothing, changes theme and width, and opens links in a new tab", async () => {
  fill();
  await open({ path: "/dev/inbox#m7" });
  const frame = page.locator("iframe.mail-frame");
  assert.equal(await frame.getAttribute("sandbox"), "allow-popups allow-popups-to-escape-sandbox");
  const card = page.frameLocator("iframe.mail-frame").locator("td.card").first();
  const ground = () => card.evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.equal(await ground(), "rgb(255, 255, 255)");
  await page.getByRole("button", { name: "Dark" }).click();
  await page.waitForFunction(() => document.querySelector("iframe").src.endsWith("theme=dark"));
  await page.frameLocator("iframe.mail-frame").getByRole("heading").waitFor();
  assert.equal(await ground(), "rgb(30, 28, 25)");
  await page.getByRole("button", { name: "Phone" }).click();
  assert.equal((await page.locator("iframe.mail-frame").boundingBox()).width, 375);
  assert.deepEqual(page.problems, []);
  const link = page.frameLocator("iframe.mail-frame").getByRole("link", { name: "Sign in", exact: true });
  const [popup] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
  assert.match(popup.url(), /^(about:blank|https:\/\/auth\.harbor\.example\/|chrome-error:)/);
  assert.equal(page.url(), `${server.url}/dev/inbox#m7`);
});

test("a mail is read as text and as source too, with arrow keys between the views", async () => {
  fill();
  await open({ path: "/dev/inbox#m7" });
  await page.getByRole("tab", { name: "Rendered" }).click();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { name: "Plain text" }).getAttribute("aria-selected"), "true");
  assert.equal(await page.locator("#content").textContent(), server.messages.at(-1).text);
  await assertSound(page);
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#content").textContent(), server.messages.at(-1).html);
});

test("a hostile message stays text", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  server.messages = [
    textMessage("<b>&/1", { to: hostile, from: hostile, text: hostile, template_type: hostile, links: [hostile], code: hostile }),
  ];
  await open();
  await page.getByRole("heading", { name: "Text message" }).waitFor();
  assert.equal(await page.locator("main img, main b").count(), 0);
  assert.equal(await page.locator("#code").textContent(), hostile);
  assert.deepEqual(page.problems, []);
});

test("a phone shows one pane at a time and the focus goes along", async () => {
  fill();
  await open({ width: widths.phone, hasTouch: true });
  assert.equal(await page.locator("#message").isVisible(), false);
  await page.locator("a[href='#m6']").tap();
  await page.getByRole("heading", { name: "418207 is your code" }).waitFor();
  assert.equal(await page.locator("#list").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.id), "back");
  await page.getByRole("link", { name: "All messages" }).tap();
  await page.locator("#list").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.hash), "#m6");
});

for (const theme of ["light", "dark"]) {
  for (const [width, pixels] of Object.entries(widths)) {
    test(`the inbox is sound, ${width} ${theme}`, async () => {
      fill();
      server.messages.reverse();
      server.messages.sort((a, b) => a.created_at.localeCompare(b.created_at));
      for (const [name, path] of [["list", "/dev/inbox#none"], ["mail", "/dev/inbox#m7"], ["code", "/dev/inbox#m6"], ["text", "/dev/inbox#m4"]]) {
        await open({ path, theme, width: pixels });
        if (name === "mail" || name === "code") {
          await page.frameLocator("iframe.mail-frame").getByRole("heading").waitFor();
        }
        await assertSound(page);
        await shoot(page, `inbox-${name}-${width}-${theme}`, { fullPage: width !== "desktop" });
        await page.context().close();
      }
      server.messages = [];
      await open({ theme, width: pixels });
      await assertSound(page);
      await shoot(page, `inbox-empty-${width}-${theme}`, { fullPage: width !== "desktop" });
    });
  }
}
