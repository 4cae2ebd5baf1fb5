// Every page and every mail, in both themes and at three widths: nothing breaks the policy, leaves the server or
// scrolls sideways, and the accessibility checker finds nothing.

import { after, before, test } from "node:test";

import { assertSound, launch, openWatched, shoot, widths } from "./lib/browser.js";
import { FakeServer, render } from "./lib/server.js";

let browser, server;
before(async () => {
  render();
  browser = await launch();
  server = await FakeServer.start();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function look(path, name, { theme, width }) {
  const page = await openWatched(browser, server, path, { theme, width: widths[width] });
  await assertSound(page, { isMail: path.startsWith("/mails/") });
  await shoot(page, `${name}-${width}-${theme}`);
  await page.context().close();
}

for (const theme of ["light", "dark"]) {
  test(`pages are sound in the ${theme} theme`, async (t) => {
    const paths = server.pages.filter((path) => !path.startsWith("/mails/") && path !== "/dev/inbox");
    for (const path of paths) {
      for (const width of Object.keys(widths)) {
        await t.test(`${path} ${width}`, () => look(path, path.slice(1).replaceAll("/", "-"), { theme, width }));
      }
    }
  });

  test(`mails are sound in the ${theme} theme`, async (t) => {
    // Colours are the same in all languages: the dark theme is looked at in one, lengths in all.
    const wanted = theme === "light" ? /^\/mails\/.*\/light$/ : /^\/mails\/.*-en\/dark$/;
    for (const path of server.pages.filter((path) => wanted.test(path))) {
      const name = `mail-${path.split("/")[2]}`;
      for (const width of ["desktop", "zoomed"]) {
        await t.test(`${path} ${width}`, () => look(path, name, { theme, width }));
      }
    }
  });
}

test("details for support fold out of the error page", async () => {
  const page = await openWatched(browser, server, "/error", { width: widths.zoomed });
  await page.getByText("Details for support").click();
  await page.getByText(/^request-id-test-/).waitFor();
  await assertSound(page);
  await shoot(page, "error-details-zoomed-light");
});
