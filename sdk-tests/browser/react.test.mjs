// The pre-built form and the hooks of @stytch/react.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn } from '../lib/actors.mjs';
import { followLink, launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
const app = await servePage(server, '../browser/react.page.jsx');
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  await server.stop();
});
const { createOrganization, createMember } = actorsOf(server);

const button = (page, name) => page.getByRole('button', { name });

async function askFor(page, email, method) {
  await page.getByRole('textbox').fill(email);
  await button(page, 'Continue with email').click();
  await button(page, method).click();
}

/** The form sends a code when its sixth digit arrives. */
async function enterCode(page, code) {
  const field = page.getByLabel('One-time passcode');
  await field.fill('');
  await field.fill(code);
}

test('discovery: the form sends a link, and the link leads to a new organization', async () => {
  const page = await (await browser.newPerson()).newPage();
  const email = uniqueEmail();
  await page.goto(app.url);
  await askFor(page, email, 'Email me a login link');
  await page.getByText('Check your email').waitFor();

  await followLink(page, linkIn(await server.inbox.lastFor(email)));
  await button(page, 'Create an organization').click();
  await page.getByRole('heading', { name: email }).waitFor();
  await page.getByText('may search members', { exact: true }).waitFor();

  await button(page, 'Sign out').click();
  await page.getByText('Sign up or log in').waitFor();
});

test('discovery: the form checks a code and offers the organizations found', async () => {
  const page = await (await browser.newPerson()).newPage();
  const email_address = uniqueEmail();
  const [home, other] = [
    await createOrganization({ organization_name: unique('Home') }),
    await createOrganization({ organization_name: unique('Other') }),
  ];
  for (const organization of [home, other]) await createMember(organization, { email_address });

  await page.goto(app.url);
  await askFor(page, email_address, 'Email me a login code');
  const { code } = await server.inbox.lastFor(email_address);
  await enterCode(page, code === '000000' ? '000001' : '000000');
  await page.getByText('Invalid passcode, please try again.').waitFor();
  await enterCode(page, code);
  await page.getByText('Select an organization to continue').waitFor();
  await page.getByText(other.organization_name).click();
  await page.getByText(other.organization_name, { exact: true }).waitFor();
  await page.getByRole('heading', { name: email_address }).waitFor();
});

test('organization: the form finds the organization by its slug and signs a member in', async () => {
  const page = await (await browser.newPerson()).newPage();
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  await page.goto(`${app.url}/?slug=${organization.organization_slug}`);
  await page.getByText(`Continue to ${organization.organization_name}`).waitFor();
  await askFor(page, email_address, 'Email me a login code');
  await enterCode(page, (await server.inbox.lastFor(email_address)).code);
  await page.getByRole('heading', { name: email_address }).waitFor();
  await page.getByText('may not search members').waitFor();
});

test('organization: who may not join is told so', async () => {
  const page = await (await browser.newPerson()).newPage();
  const organization = await createOrganization();
  const email = uniqueEmail();
  await page.goto(`${app.url}/?slug=${organization.organization_slug}&links-only`);
  await page.getByRole('textbox').fill(email);
  await button(page, 'Continue with email').click();
  await page.getByText(`${email} does not have access to ${organization.organization_name}`).waitFor();
});

test('the hooks show the cached member first, and the fresh one for good', async () => {
  const person = await browser.newPerson();
  const page = await person.newPage();
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  await page.goto(`${app.url}/?slug=${organization.organization_slug}`);
  await askFor(page, email_address, 'Email me a login code');
  await enterCode(page, (await server.inbox.lastFor(email_address)).code);
  await page.getByRole('heading', { name: email_address }).waitFor();

  await page.reload();
  await page.waitForFunction(() => window.envelopes?.at(-1)?.fromCache === false);
  const envelopes = await page.evaluate(() => window.envelopes);
  assert.deepEqual(envelopes[0], { member: email_address, fromCache: true, isInitialized: true });
  assert.deepEqual(envelopes.at(-1), { member: email_address, fromCache: false, isInitialized: true });
  assert.ok(envelopes.every(({ member }) => member === email_address), 'never signed out in between');
});
