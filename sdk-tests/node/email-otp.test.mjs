import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, sendCode, sendDiscoveryCode } = actorsOf(server);
const { email: otp } = stytch.otps;

/** Six digits that are not this code. */
const wrongCode = (code, n = 1) => String((Number(code) + n) % 1_000_000).padStart(6, '0');

test('a code signs an active member in', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const { organization_id } = organization;
  const { email_address } = member;

  const sent = await otp.loginOrSignup({ organization_id, email_address });
  assert.equal(sent.member_created, false);
  assert.deepEqual(sent.member, member);

  const mail = await server.inbox.lastFor(email_address);
  assert.match(mail.code, /^\d{6}$/);
  assert.ok(mail.text.includes(mail.code) && mail.html.includes(mail.code));

  const auth = await otp.authenticate({ organization_id, email_address, code: mail.code });
  assert.equal(auth.member_authenticated, true);
  assert.equal(auth.member.email_address_verified, true);
  const [factor] = auth.member_session.authentication_factors;
  assert.equal(factor.type, 'email_otp');
  assert.equal(factor.delivery_method, 'email');
  assert.deepEqual(factor.email_factor, { email_id: auth.method_id, email_address });
});

test('a code makes and activates a member of an allowed domain, and refuses others', async () => {
  const domain = `${unique('join')}.example`;
  const organization = await createOrganization({ email_allowed_domains: [domain], email_jit_provisioning: 'RESTRICTED' });
  const { organization_id } = organization;
  const email_address = uniqueEmail(domain);

  const sent = await otp.loginOrSignup({ organization_id, email_address });
  assert.equal(sent.member_created, true);
  assert.equal(sent.member.status, 'pending');
  const { code } = await server.inbox.lastFor(email_address);
  assert.equal((await otp.authenticate({ organization_id, email_address, code })).member.status, 'active');

  const closed = await createOrganization();
  await refuses(sendCode(organization, uniqueEmail()), 400, 'invalid_email_for_jit_provisioning');
  await refuses(sendCode(closed, uniqueEmail()), 400, 'email_jit_provisioning_not_allowed');
});

test('wrong, malformed, used and foreign codes are told apart', async () => {
  const organization = await createOrganization();
  const [ada, grace] = [await createMember(organization), await createMember(organization)];
  const { organization_id } = organization;
  const authenticate = (member, code) => otp.authenticate({ organization_id, email_address: member.email_address, code });

  await refuses(authenticate(ada, '123456'), 404, 'otp_code_not_found');
  const code = await sendCode(organization, ada.email_address);
  await refuses(authenticate(ada, wrongCode(code)), 404, 'otp_code_not_found');
  await refuses(authenticate(grace, code), 404, 'otp_code_not_found');
  for (const malformed of ['', '12345', '1234567', 'abcdef', '１２３４５６']) {
    await refuses(authenticate(ada, malformed), 400, 'invalid_code');
  }
  await authenticate(ada, code);
  await refuses(authenticate(ada, code), 401, 'unable_to_auth_otp_code');
});

test('a new code voids the one before, which is then as wrong as any other', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  const older = await sendCode(organization, email_address);
  let newer = await sendCode(organization, email_address);
  while (newer === older) newer = await sendCode(organization, email_address);

  await refuses(otp.authenticate({ organization_id, email_address, code: older }), 404, 'otp_code_not_found');
  await otp.authenticate({ organization_id, email_address, code: newer });
});

test('five wrong tries void the code', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  const code = await sendCode(organization, email_address);
  for (let n = 1; n <= 5; n++) {
    const call = otp.authenticate({ organization_id, email_address, code: wrongCode(code, n) });
    await refuses(call, 404, 'otp_code_not_found');
  }
  await refuses(otp.authenticate({ organization_id, email_address, code }), 401, 'unable_to_auth_otp_code');
});

test('a code works once among many callers at once', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  const code = await sendCode(organization, email_address);
  // Refusals count towards the member's lock, so there are fewer callers than tries.
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => otp.authenticate({ organization_id, email_address, code })),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('discovery: a code proves an address, and is told apart the same way', async () => {
  const email_address = uniqueEmail();
  const code = await sendDiscoveryCode(email_address);
  const authenticate = (fields) => otp.discovery.authenticate({ email_address, code, ...fields });

  await refuses(authenticate({ code: wrongCode(code) }), 404, 'otp_code_not_found');
  await refuses(authenticate({ email_address: uniqueEmail() }), 404, 'otp_code_not_found');
  await refuses(authenticate({ code: '12345' }), 400, 'invalid_code');
  const auth = await authenticate({});
  assert.equal(auth.email_address, email_address);
  assert.deepEqual(auth.discovered_organizations, []);
  assert.match(auth.intermediate_session_token, /^[A-Za-z0-9_-]{44}$/);
  await refuses(authenticate({}), 401, 'unable_to_auth_otp_code');
});

test('organization codes and discovery codes do not stand in for each other', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  const code = await sendCode(organization, email_address);
  const discoveryCode = await sendDiscoveryCode(email_address);
  if (code !== discoveryCode) {
    await refuses(otp.discovery.authenticate({ email_address, code }), 404, 'otp_code_not_found');
    await refuses(otp.authenticate({ organization_id, email_address, code: discoveryCode }), 404, 'otp_code_not_found');
  }
  await otp.authenticate({ organization_id, email_address, code });
  await otp.discovery.authenticate({ email_address, code: discoveryCode });
});

test('parameters out of range are refused before anything is sent', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  for (const [options, errorType] of [
    [{ login_expiration_minutes: 1 }, 'invalid_expiration_otp'],
    [{ signup_expiration_minutes: 16 }, 'invalid_expiration_otp'],
    [{ locale: 'tlh' }, 'invalid_locale'],
    [{ login_template_id: 'no-such-template' }, 'invalid_template_id'],
  ]) {
    await refuses(sendCode(organization, email_address, options), 400, errorType);
  }
  await refuses(sendDiscoveryCode(email_address, { discovery_expiration_minutes: 16 }), 400, 'invalid_expiration_otp');
  await refuses(sendDiscoveryCode('nobody'), 400, 'invalid_email');
  assert.deepEqual(await server.inbox.messagesFor(email_address), []);
});
