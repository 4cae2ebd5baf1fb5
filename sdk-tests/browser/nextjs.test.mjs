// examples/nextjs as a production build, driven as a person would.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn, refuses } from '../lib/actors.mjs';
import { asLocalhost, followLink, launchBrowser } from '../lib/browser.mjs';
import { startNextApp } from '../lib/next-app.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
const started = [server];
after(async () => {
  for (const part of started.toReversed()) await part.stop();
});
const app = await startNextApp(server);
started.push(app);
const browser = await launchBrowser();
started.push({ stop: browser.close });

const api = asLocalhost(server.apiUrl);
const { stytch, createOrganization, createMember } = actorsOf(server);

const button = (page, name) => page.getByRole('button', { name, exact: true });
const heading = (page, name) => page.getByRole('heading', { name, exact: true });

/** Waits for the page that says who is signed in. */
const signedInAs = (page, email) => page.getByRole('definition').getByText(email, { exact: true }).waitFor();

async function cookiesOf(person, path = '/') {
  return Object.fromEntries((await person.cookies(app.url + path)).map((cookie) => [cookie.name, cookie]));
}

/** Types the address into the pre-built form and asks for a link or a code. */
async function askFor(page, email, method) {
  await page.getByRole('textbox').fill(email);
  await button(page, 'Continue with email').click();
  await button(page, `Email me a login ${method}`).click();
}

/** Signs up by the mail's link: a new person in a new organization, on the home page. */
async function signUp() {
  const person = await browser.newPerson();
  const page = await person.newPage();
  const email = uniqueEmail();
  await page.goto(app.url);
  await page.waitForURL('**/login');
  await askFor(page, email, 'link');
  await page.getByText('Check your email').waitFor();
  await followLink(page, linkIn(await server.inbox.lastFor(email)));
  await button(page, 'Create an organization').click();
  await signedInAs(page, email);
  assert.equal(page.url(), `${app.url}/`);
  return { person, page, email };
}

/** What a page answers to somebody with these cookies, without following redirects. */
async function answerOf(person, path) {
  const cookie = (await person.cookies(app.url)).map(({ name, value }) => `${name}=${value}`).join('; ');
  const response = await fetch(app.url + path, { headers: { cookie }, redirect: 'manual' });
  return [response.status, response.headers.get('location')];
}

test('a stranger is led to the sign-in page, and gets nothing else', async () => {
  const person = await browser.newPerson();
  const page = await person.newPage();
  await page.goto(`${app.url}/reports`);
  assert.equal(page.url(), `${app.url}/login`);
  await page.goto(app.url);
  await page.waitForURL('**/login');
  await page.getByText('Sign up or log in').waitFor();
  assert.deepEqual(await answerOf(person, '/api/me'), [401, null]);
});

test('sign up by mail, land signed in, and pass every gate', async () => {
  const { person, page, email } = await signUp();
  await page.getByRole('status').getByText('fresh').waitFor();

  await button(page, 'Ask the protected route').click();
  await page.getByText(new RegExp(`^200 .*${email}`)).waitFor();

  await page.getByLabel('Name').fill('Ada Lovelace');
  await button(page, 'Save by server action').click();
  await page.getByText('Saved as Ada Lovelace.').waitFor();
  await heading(page, 'Ada Lovelace').waitFor();

  await page.getByRole('link', { name: 'Open the page behind the proxy' }).click();
  await heading(page, 'Reports').waitFor();

  const { stytch_session, stytch_session_jwt } = await cookiesOf(person);
  assert.ok(stytch_session.value && stytch_session_jwt.value);
});

test('a reload shows the cached member first, then the fresh one', async () => {
  const { page, email } = await signUp();
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route('**/sdk/v1/b2b/sessions/authenticate', async (route) => {
    if (route.request().method() === 'POST') await released;
    await route.continue();
  });
  await page.reload();
  await signedInAs(page, email);
  await page.getByRole('status').getByText('from cache').waitFor();
  release();
  await page.getByRole('status').getByText('fresh').waitFor();
});

test('an organization has its own sign-in page', async () => {
  const organization = await createOrganization({ organization_name: unique('Northwind') });
  const { email_address } = await createMember(organization);
  const page = await (await browser.newPerson()).newPage();
  await page.goto(`${app.url}/login/${organization.organization_slug}`);
  await page.getByText(`Continue to ${organization.organization_name}`).waitFor();
  await askFor(page, email_address, 'code');
  await page.getByLabel('One-time passcode').fill((await server.inbox.lastFor(email_address)).code);
  await signedInAs(page, email_address);
  await page.getByText(organization.organization_name).waitFor();
});

test('a link that no longer works says so, at the hop and in the app', async () => {
  const organization = await createOrganization({ organization_name: unique('Northwind') });
  const { email_address } = await createMember(organization);
  const page = await (await browser.newPerson()).newPage();
  await page.goto(`${app.url}/login/${organization.organization_slug}`);
  await askFor(page, email_address, 'link');
  const link = linkIn(await server.inbox.lastFor(email_address));
  await followLink(page, link);
  await signedInAs(page, email_address);

  await page.goto(link);
  await heading(page, 'This link no longer works').waitFor();
  const token = new URL(link).searchParams.get('token');
  const { organization_slug: slug } = organization;
  const query = new URLSearchParams({ stytch_token_type: 'multi_tenant_magic_links', token, slug });
  await page.goto(`${app.url}/authenticate?${query}`);
  await page.getByText(/Your login link may have expired/).waitFor();
});

test('signing out in one tab signs the other out', async () => {
  const { person, page } = await signUp();
  const token = (await cookiesOf(person)).stytch_session.value;
  const second = await person.newPage();
  await second.goto(app.url);
  await button(second, 'Sign out').click();
  await page.waitForURL('**/login');
  await second.waitForURL('**/login');
  assert.deepEqual(await cookiesOf(person), {});
  await refuses(stytch.sessions.authenticate({ session_token: token }), 404, 'session_not_found');
});

test('revocation shows at once where the token is asked about', async () => {
  const { person, page } = await signUp();
  const { stytch_session } = await cookiesOf(person);
  await stytch.sessions.revoke({ session_token: stytch_session.value });

  assert.deepEqual(await answerOf(person, '/api/me'), [401, null]);
  await button(page, 'Ask the protected route').click();
  await page.getByText(/^401 /).waitFor();
  await page.getByLabel('Name').fill('Ada Lovelace');
  await button(page, 'Save by server action').click();
  await page.getByText('You are signed out.').waitFor();
  // The JWT is checked without a call, so the proxy lets it pass until it expires.
  assert.deepEqual(await answerOf(person, '/reports'), [200, null]);

  await page.reload();
  await page.waitForURL('**/login');
});

test('the backend-only variant signs in without any browser SDK', async () => {
  const person = await browser.newPerson();
  const page = await person.newPage();
  const callsFromBrowser = [];
  page.on('request', (request) => request.url().startsWith(api) && callsFromBrowser.push(request.url()));
  const email = uniqueEmail();
  const signIn = async (count) => {
    await page.goto(`${app.url}/backend`);
    await page.waitForURL('**/backend/login');
    await page.getByLabel('Email').fill(email);
    await button(page, 'Email me a code').click();
    await page.getByLabel(`Code sent to ${email}`).waitFor();
    return (await server.inbox.lastFor(email, { count })).code;
  };

  const code = await signIn(1);
  await page.getByLabel(/^Code/).fill(code === '000000' ? '000001' : '000000');
  await button(page, 'Continue').click();
  await page.getByText('This code is wrong or too old.').waitFor();
  await page.getByLabel(/^Code/).fill(code);
  await button(page, 'Continue').click();
  const name = unique('Northwind');
  await page.getByLabel('New organization').fill(name);
  await button(page, 'Create organization').click();
  await signedInAs(page, email);
  await page.getByText(name).waitFor();

  const cookies = await cookiesOf(person, '/backend');
  assert.deepEqual(Object.keys(cookies), ['backend_session']);
  assert.equal(cookies.backend_session.httpOnly, true);
  assert.equal(cookies.backend_session.secure, true);
  await stytch.sessions.authenticate({ session_token: cookies.backend_session.value });

  await button(page, 'Sign out').click();
  await page.waitForURL('**/backend/login');
  assert.deepEqual(await cookiesOf(person, '/backend'), {});
  await refuses(stytch.sessions.authenticate({ session_token: cookies.backend_session.value }), 404, 'session_not_found');

  const again = await signIn(2);
  await page.getByLabel(/^Code/).fill(again);
  await button(page, 'Continue').click();
  await button(page, name).click();
  await signedInAs(page, email);
  const session_token = (await cookiesOf(person, '/backend')).backend_session.value;
  await stytch.sessions.revoke({ session_token });
  await page.reload();
  await page.waitForURL('**/backend/login');
  assert.deepEqual(callsFromBrowser, []);
});

// From here on the clocks of the server and of the app's process have moved.
test('an expired JWT passes through the server while the session lives, and no longer', async () => {
  const { person } = await signUp();
  const revoked = (await signUp()).person;
  const { stytch_session } = await cookiesOf(revoked);
  await stytch.sessions.revoke({ session_token: stytch_session.value });
  const toLogin = [307, '/login'];
  const pass = async (seconds) => {
    await server.clock.advance(seconds);
    await app.advanceClock(seconds);
  };
  const isLetIn = async (somebody) => {
    const [status, location] = await answerOf(somebody, '/reports');
    if (location) assert.deepEqual([status, new URL(location, app.url).pathname], toLogin);
    return status === 200;
  };

  assert.deepEqual([await isLetIn(person), await isLetIn(revoked)], [true, true], 'fresh JWTs are checked in the app');
  await pass(6 * 60);
  assert.deepEqual([await isLetIn(person), await isLetIn(revoked)], [true, false], 'expired ones are put to the server');
  await pass(55 * 60);
  assert.equal(await isLetIn(person), false, 'the session has ended');
});
