// Passwords in the pre-built form of @stytch/react: sign-up, sign-in, and what to do when one is forgotten.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn } from '../lib/actors.mjs';
import { followLink, launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const password = 'correct horse battery staple';
const better = 'Seven quiet lighthouses at 5!';

const server = await startServer();
const shared = await startServer({
  settings: {
    cross_org_passwords_enabled: true,
    password_strength_config: { validation_policy: 'LUDS', luds_min_password_length: 12, luds_min_password_complexity: 3 },
  },
});
const app = await serveApp(server);
const sharedApp = await serveApp(shared);
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  sharedApp.close();
  await Promise.all([server.stop(), shared.stop()]);
});
const { createOrganization, createMember } = actorsOf(server);

/** The page, with the part of it where passwords are set configured for that and nothing else. */
async function serveApp(to) {
  const app = await servePage(to, '../browser/passwords.page.jsx');
  await manage(to, {
    url: `${app.url}/new-password`,
    valid_types: [{ type: 'RESET_PASSWORD', is_default: false }],
  });
  return app;
}

/** Configures a redirect URL as an operator. */
async function manage(to, redirectUrl) {
  const { management_key_id, management_key_secret } = to.credentials;
  const authorization = `Basic ${btoa(`${management_key_id}:${management_key_secret}`)}`;
  const call = async (path, options = {}) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await fetch(`${to.apiUrl}/pwa/v3/projects${path}`, { headers, ...options });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  const { projects } = await call('');
  const path = `/${projects[0].project_slug}/environments/test/redirect_urls`;
  await call(path, { method: 'POST', body: JSON.stringify(redirectUrl) });
}

const button = (page, name) => page.getByRole('button', { name, exact: true });
const passwordField = (page) => page.locator('input[type=password]');
const emailField = (page) => page.locator('input[type=email], input[name=email]').first();

async function signedIn(page, email, factors) {
  await page.getByRole('heading', { name: email }).waitFor();
  await page.getByText(factors, { exact: true }).waitFor();
}

/** Types a new password once the form has judged it. */
async function chooseNewPassword(page, text) {
  await passwordField(page).fill(text);
  await page.waitForFunction(() => !document.querySelector('button[type=submit]').disabled);
  await button(page, 'Continue').click();
}

async function enterPassword(page, slug, email, text) {
  await page.goto(`${app.url}/?slug=${slug}`);
  await emailField(page).fill(email);
  await button(page, 'Continue').click();
  await passwordField(page).fill(text);
  await button(page, 'Continue').click();
}

test('organization: a newcomer signs up, with feedback on the password, and signs in again', async () => {
  const page = await (await browser.newPerson()).newPage();
  const domain = `${unique('join')}.example`;
  const { organization_slug: slug } = await createOrganization({
    email_allowed_domains: [domain],
    email_jit_provisioning: 'RESTRICTED',
  });
  const email = uniqueEmail(domain);
  await page.goto(`${app.url}/?slug=${slug}`);
  await emailField(page).fill(email);
  await button(page, 'Continue').click();
  await page.getByText('Verify your email').waitFor();

  await followLink(page, linkIn(await server.inbox.lastFor(email)));
  await page.getByText('Set a new password').waitFor();
  await passwordField(page).fill('abcdefgh');
  await page.getByText('Sequences like "abc" or "6543" are easy to guess.').first().waitFor();
  assert.equal(await button(page, 'Continue').isDisabled(), true);
  await chooseNewPassword(page, password);
  await signedIn(page, email, 'magic_link and password');

  await button(page, 'Sign out').click();
  await enterPassword(page, slug, email, better);
  await page.getByText(/unauthorized|incorrect|not correct|wrong/i).first().waitFor();
  await passwordField(page).fill(password);
  await button(page, 'Continue').click();
  await signedIn(page, email, 'password');
});

test('organization: who is no member and may not join is told so', async () => {
  const page = await (await browser.newPerson()).newPage();
  const { organization_slug: slug } = await createOrganization();
  const email = uniqueEmail();
  await page.goto(`${app.url}/?slug=${slug}`);
  await emailField(page).fill(email);
  await button(page, 'Continue').click();
  await page.getByText(`${email} does not have access to`).waitFor();
});

test('organization: a forgotten password is set anew through the inbox', async () => {
  const page = await (await browser.newPerson()).newPage();
  const organization = await createOrganization();
  const { organization_slug: slug } = organization;
  const { email_address: email } = await createMember(organization);
  for (const [index, text] of [password, better].entries()) {
    await page.goto(`${app.url}/?slug=${slug}`);
    await emailField(page).fill(email);
    await button(page, 'Continue').click();
    await button(page, 'Sign up or reset password').click();
    await page.getByText('Check your email for help signing in').waitFor();
    await button(page, 'Continue').click();
    await page.getByText('A login link was sent to you at').waitFor();
    await followLink(page, linkIn(await server.inbox.lastFor(email, { count: index + 1 })));
    await page.getByText('Set a new password').waitFor();
    await chooseNewPassword(page, text);
    await signedIn(page, email, 'password');
    await button(page, 'Sign out').click();
    await passwordField(page).or(emailField(page)).first().waitFor();
  }
  await enterPassword(page, slug, email, password);
  await page.getByText(/unauthorized|incorrect|not correct|wrong/i).first().waitFor();
  await enterPassword(page, slug, email, better);
  await signedIn(page, email, 'password');
});

test('discovery: a password for every organization is set through the inbox, and leads to one', async () => {
  const page = await (await browser.newPerson()).newPage();
  const email = uniqueEmail();
  await page.goto(sharedApp.url);
  await emailField(page).fill(email);
  await button(page, 'Sign up or reset password').click();
  await page.getByText('Check your email for help signing in').waitFor();
  await button(page, 'Continue').click();
  await page.getByText('A login link was sent to you at').waitFor();

  await followLink(page, linkIn(await shared.inbox.lastFor(email)));
  await page.getByText('Set a new password').waitFor();
  await passwordField(page).fill('short');
  await page.getByText(/12 characters/).first().waitFor();
  assert.equal(await button(page, 'Continue').isDisabled(), true);
  await chooseNewPassword(page, better);
  await button(page, 'Create an organization').click();
  await signedIn(page, email, 'password');

  await button(page, 'Sign out').click();
  await page.goto(sharedApp.url);
  await emailField(page).fill(email);
  await passwordField(page).fill(better);
  await button(page, 'Continue').click();
  await page.getByText('Select an organization to continue').waitFor();
});
