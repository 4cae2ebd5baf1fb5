// Second factors in the pre-built form of @stytch/react.
//
// The form asks a page of its vendor how phone numbers are written, which nobody can reach here: it waits 10 seconds in
// the number field and 2 seconds after pressing the button, then goes on with what was typed. The page's clock is moved
// for that.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf } from '../lib/actors.mjs';
import { authenticatorApp, lastSmsCode, uniquePhone } from '../lib/authenticator.mjs';
import { launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, unique } from '../lib/server.mjs';

const server = await startServer();
const app = await servePage(server, '../browser/mfa.page.jsx');
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  await server.stop();
});
const { stytch, createOrganization, createMember } = actorsOf(server);

const button = (page, name) => page.getByRole('button', { name, exact: true });

/** Opens the form of an organization, or of discovery, as somebody new. */
async function open(organization) {
  const page = await (await browser.newPerson()).newPage();
  await page.clock.install();
  await page.goto(organization ? `${app.url}/?slug=${organization.organization_slug}` : app.url);
  return page;
}

/** Enters six digits; the form sends them by itself. */
async function enter(page, code) {
  const field = page.getByRole('textbox').last();
  await field.fill('');
  await field.fill(code);
}

/** Signs in by code, as far as the first factor goes. */
async function firstFactor(page, email) {
  const { length } = await server.inbox.messagesFor(email);
  await page.getByRole('textbox').fill(email);
  await button(page, 'Continue with email').click();
  const { code } = await server.inbox.lastFor(email, { count: length + 1 });
  await page.getByText('A 6-digit passcode').waitFor();
  await enter(page, code);
}

async function isSignedIn(page, email, factors) {
  await page.getByRole('heading', { name: email, exact: true }).waitFor();
  await page.getByText(factors, { exact: true }).waitFor();
}

/** A session that is still there would stand for the second factor of the next sign-in. */
async function signOut(page, organization) {
  await button(page, 'Sign out').click();
  await button(page, 'Sign out').waitFor({ state: 'detached' });
  await page.goto(`${app.url}/?slug=${organization.organization_slug}`);
}

/** Types a number, which the form sends a code to. */
async function typePhone(page, number) {
  await page.getByLabel('Phone number').fill(number.replace('+1', ''));
  await page.clock.fastForward(10_000);
  await button(page, 'Continue').click();
  await page.clock.fastForward(2_000);
}

/** The secret of the QR code on the page, by the way for people who cannot scan it. */
async function readSecret(page) {
  const picture = page.getByAltText('QR code for TOTP enrollment');
  await picture.waitFor();
  const size = await picture.evaluate(async (image) => {
    await image.decode();
    return image.naturalWidth;
  });
  assert.ok(size > 150, `the picture can be shown: ${size}`);
  await button(page, 'Having trouble scanning?').click();
  const secret = await page.getByText(/^[a-z2-7]{32}$/).first().textContent();
  return secret.toUpperCase();
}

const wrong = (code) => (code === '000000' ? '000001' : '000000');

test('text message: enrolment with a corrected number, and the next sign-in', async () => {
  const organization = await createOrganization({ mfa_policy: 'REQUIRED_FOR_ALL' });
  const { email_address } = await createMember(organization);
  const [mistyped, phone] = [uniquePhone(), uniquePhone()];
  const page = await open(organization);
  await firstFactor(page, email_address);
  await page.getByText('Set up Multi-Factor Authentication').waitFor();
  await button(page, 'Text me a code').click();
  await typePhone(page, mistyped);
  await lastSmsCode(server, mistyped);
  await button(page, 'Go back').click();
  await typePhone(page, phone);
  const code = await lastSmsCode(server, phone);
  await enter(page, wrong(code));
  await page.getByText('Invalid passcode, please try again.').waitFor();
  await enter(page, code);
  await isSignedIn(page, email_address, 'email_otp and otp');

  await signOut(page, organization);
  await firstFactor(page, email_address);
  await enter(page, await lastSmsCode(server, phone, { count: 2 }));
  await isSignedIn(page, email_address, 'email_otp and otp');
  assert.equal((await server.inbox.messagesFor(phone)).length, 2, 'the form does not send what the server has sent');
});

test('authenticator app: enrolment by QR code, the next sign-in, and a backup code', async () => {
  const organization = await createOrganization({ mfa_policy: 'REQUIRED_FOR_ALL' });
  const { email_address } = await createMember(organization);
  const page = await open(organization);
  await firstFactor(page, email_address);
  await button(page, 'Use an authenticator app').click();
  const authenticator = authenticatorApp(server, await readSecret(page));
  await button(page, 'Continue').click();
  await enter(page, await authenticator.nextCode());
  await page.getByText('Save your backup codes!').waitFor();
  const codes = await page.getByRole('listitem').allTextContents();
  assert.equal(codes.length, 10);
  await button(page, 'Done').click();
  await isSignedIn(page, email_address, 'email_otp and totp');

  await signOut(page, organization);
  await firstFactor(page, email_address);
  await page.getByText('Enter verification code').waitFor();
  await enter(page, authenticator.lastCode());
  await page.getByText('Invalid passcode, please try again.').waitFor();
  await enter(page, await authenticator.nextCode());
  await isSignedIn(page, email_address, 'email_otp and totp');

  await signOut(page, organization);
  await firstFactor(page, email_address);
  await button(page, 'Use a backup code').click();
  await page.getByLabel('Backup code').fill('aaaa-bbbb-cccc');
  await button(page, 'Continue').click();
  await page.getByText('Invalid backup code, please try again.').waitFor();
  await page.getByLabel('Backup code').fill(codes[0]);
  await button(page, 'Continue').click();
  await isSignedIn(page, email_address, 'email_otp and recovery_codes');
});

test('a page that was closed during enrolment leaves nobody outside', async () => {
  const organization = await createOrganization({
    mfa_policy: 'REQUIRED_FOR_ALL',
    mfa_methods: 'RESTRICTED',
    allowed_mfa_methods: ['totp'],
  });
  const { email_address } = await createMember(organization);
  const closed = await open(organization);
  await firstFactor(closed, email_address);
  await closed.getByAltText('QR code for TOTP enrollment').waitFor();
  await closed.close();

  const page = await open(organization);
  await firstFactor(page, email_address);
  const authenticator = authenticatorApp(server, await readSecret(page));
  await button(page, 'Continue').click();
  await enter(page, await authenticator.nextCode());
  await button(page, 'Done').click();
  await isSignedIn(page, email_address, 'email_otp and totp');
});

test('with two factors the member chooses, and the preferred one comes first', async () => {
  const organization = await createOrganization({ mfa_policy: 'REQUIRED_FOR_ALL' });
  const { email_address, member_id } = await createMember(organization);
  const phone = uniquePhone();
  const page = await open(organization);
  await firstFactor(page, email_address);
  await button(page, 'Use an authenticator app').click();
  const authenticator = authenticatorApp(server, await readSecret(page));
  await button(page, 'Continue').click();
  await enter(page, await authenticator.nextCode());
  await button(page, 'Done').click();
  const { session_token } = await page.evaluate(() => ({
    session_token: document.cookie.match(/stytch_session=([^;]+)/)[1],
  }));
  const ids = { organization_id: organization.organization_id, member_id, session_token };
  await stytch.otps.sms.send({ ...ids, mfa_phone_number: phone });
  await stytch.otps.sms.authenticate({ ...ids, code: await lastSmsCode(server, phone) });

  await signOut(page, organization);
  await firstFactor(page, email_address);
  await button(page, 'Text me a code instead').click();
  await enter(page, await lastSmsCode(server, phone, { count: 2 }));
  await isSignedIn(page, email_address, 'email_otp and otp');
});

test('discovery: the organization that was chosen asks for what its rules lack', async () => {
  const relaxed = await createOrganization({ organization_name: unique('Relaxed') });
  const strict = await createOrganization({ organization_name: unique('Strict'), mfa_policy: 'REQUIRED_FOR_ALL' });
  const { email_address } = await createMember(relaxed);
  await createMember(strict, { email_address });
  const page = await open();
  await firstFactor(page, email_address);
  await page.getByText(strict.organization_name).click();
  await button(page, 'Use an authenticator app').click();
  const authenticator = authenticatorApp(server, await readSecret(page));
  await button(page, 'Continue').click();
  await enter(page, await authenticator.nextCode());
  await button(page, 'Done').click();
  await isSignedIn(page, email_address, 'email_otp and totp');
});
