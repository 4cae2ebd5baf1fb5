// The headless browser client in cookie mode: tokens live in HttpOnly cookies that the server sets.
//
// The SDK expects such cookies only with `customBaseUrl`, which forces https on port 443. One that cannot be parsed
// keeps that expectation and leaves the plain address of `endpoints` in use.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn, refuses } from '../lib/actors.mjs';
import { asLocalhost, followLink, launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, uniqueEmail } from '../lib/server.mjs';

const server = await startServer({ settings: { http_only_cookies: true } });
const api = asLocalhost(server.apiUrl);
const app = await servePage(server, '../browser/headless.page.js', { customBaseUrl: '[' });
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  await server.stop();
});
const { stytch, createOrganization, createMember } = actorsOf(server);

async function open(person) {
  const page = await person.newPage();
  await page.goto(app.url);
  await page.waitForFunction(() => 'stytch' in window);
  return page;
}

/** The cookies that the server has set, which must all be out of reach of scripts. */
async function cookiesOf(person) {
  const cookies = await person.cookies(api);
  for (const cookie of cookies) {
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, 'Lax', '/'], cookie.name);
  }
  return Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
}

async function signedIn() {
  const person = await browser.newPerson();
  const page = await open(person);
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  await page.evaluate((data) => stytch.otps.email.loginOrSignup(data), { organization_id, email_address });
  const { code } = await server.inbox.lastFor(email_address);
  const answer = await page.evaluate((data) => stytch.otps.email.authenticate(data), {
    ...{ organization_id, email_address, code },
    session_duration_minutes: 60,
  });
  return { person, page, answer, email: email_address };
}

test('a stranger is told so at the start, without a retry', async () => {
  const page = await (await browser.newPerson()).newPage();
  const refused = page.waitForResponse(
    (response) => response.url().endsWith('/b2b/sessions/authenticate') && response.request().method() === 'POST',
  );
  await page.goto(app.url);
  const body = await (await refused).json();
  assert.equal(body.error_type, 'user_unauthenticated');
  await page.waitForFunction(() => !stytch.session.getInfo().fromCache);
  assert.equal(await page.evaluate(() => stytch.session.getSync()), null);
});

test('a sign-in leaves no token in reach of scripts', async () => {
  const { person, page, answer, email } = await signedIn();
  assert.equal(answer.session_token, '');
  assert.equal(answer.session_jwt, '');
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.equal(await page.evaluate(() => stytch.session.getTokens()), null);
  assert.equal(await page.evaluate(() => stytch.self.getSync().email_address), email);

  const cookies = await cookiesOf(person);
  assert.deepEqual(Object.keys(cookies).sort(), ['stytch_session', 'stytch_session_jwt']);
  await stytch.sessions.authenticate({ session_token: cookies.stytch_session });
  await stytch.sessions.authenticateJwtLocal({ session_jwt: cookies.stytch_session_jwt });
});

test('a reload refreshes the session from the cookie alone, also when the cache is gone', async () => {
  const { page, email } = await signedIn();
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.waitForFunction(() => window.stytch?.session.getSync());
  assert.equal(await page.evaluate(() => stytch.self.getSync().email_address), email);
  assert.equal((await page.evaluate(() => stytch.self.get())).email_address, email);
});

test('discovery keeps its proof in a cookie too', async () => {
  const person = await browser.newPerson();
  const page = await open(person);
  const email = uniqueEmail();
  await page.evaluate((data) => stytch.magicLinks.email.discovery.send(data), {
    email_address: email,
    discovery_redirect_url: `${app.url}/authenticate`,
  });
  await followLink(page, linkIn(await server.inbox.lastFor(email)));
  await page.waitForURL((url) => url.origin === app.url);
  await page.waitForFunction(() => 'stytch' in window);
  const { data } = await page.evaluate(() => stytch.authenticateByUrl({ session_duration_minutes: 60 }));
  assert.equal(data.intermediate_session_token, '');
  assert.deepEqual(Object.keys(await cookiesOf(person)), ['stytch_intermediate_session_token']);

  assert.equal((await page.evaluate(() => stytch.discovery.organizations.list())).email_address, email);
  const created = await page.evaluate(() => stytch.discovery.organizations.create({ session_duration_minutes: 60 }));
  assert.equal(created.member_authenticated, true);
  assert.deepEqual(Object.keys(await cookiesOf(person)).sort(), ['stytch_session', 'stytch_session_jwt']);
});

test('sign-out removes the cookies, ends the session and reaches the other tab', async () => {
  const { person, page } = await signedIn();
  const other = await open(person);
  await other.waitForFunction(() => stytch.session.getSync());
  const { stytch_session } = await cookiesOf(person);
  await page.evaluate(() => stytch.session.revoke());
  await other.waitForFunction(() => stytch.session.getSync() === null);
  assert.deepEqual(await cookiesOf(person), {});
  await refuses(stytch.sessions.authenticate({ session_token: stytch_session }), 404, 'session_not_found');
});

test('the server API keeps answering with tokens', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  await stytch.otps.email.loginOrSignup({ organization_id, email_address });
  const { code } = await server.inbox.lastFor(email_address);
  const auth = await stytch.otps.email.authenticate({ organization_id, email_address, code });
  assert.match(auth.session_token, /^[A-Za-z0-9_-]{44}$/);
});
