import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { authenticatorApp, lastSmsCode, uniquePhone } from '../lib/authenticator.mjs';
import { startServer, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, sendCode, discover } = actorsOf(server);

/** Proves the address of a member: the answer of the first factor. */
async function firstFactor({ organization, member }, options = {}) {
  const { organization_id } = organization;
  const { email_address } = member;
  const code = await sendCode(organization, email_address);
  return stytch.otps.email.authenticate({ organization_id, email_address, code, ...options });
}

/** A new member of a new organization with these settings: both, their ids, and the first factor's answer. */
async function newMember(settings = { mfa_policy: 'REQUIRED_FOR_ALL' }) {
  const organization = await createOrganization(settings);
  const member = await createMember(organization);
  const ids = { organization_id: organization.organization_id, member_id: member.member_id };
  const somebody = { organization, member, ids };
  return { ...somebody, login: await firstFactor(somebody) };
}

/** Registers an authenticator app with what the login has: the app, its recovery codes and the answer. */
async function enrolApp({ ids, login }) {
  const credential = login.session_token
    ? { session_token: login.session_token }
    : { intermediate_session_token: login.intermediate_session_token };
  const created = await stytch.totps.create({ ...ids, ...credential });
  const app = authenticatorApp(server, created.secret);
  const auth = await stytch.totps.authenticate({ ...ids, ...credential, code: await app.nextCode() });
  return { app, created, auth, codes: created.recovery_codes };
}

const ist = (login) => ({ intermediate_session_token: login.intermediate_session_token });
const factorsOf = ({ member_session }) => member_session.authentication_factors.map(({ type }) => type);

test('text message: a member enrols a phone, and the next login sends the code by itself', async () => {
  const somebody = await newMember();
  const { ids, login } = somebody;
  assert.equal(login.member_authenticated, false);
  assert.equal(login.member_session, null);
  assert.deepEqual([login.session_token, login.session_jwt], ['', '']);
  assert.deepEqual(login.mfa_required, { member_options: null, secondary_auth_initiated: null });

  const phone = uniquePhone();
  const sent = await stytch.otps.sms.send({ ...ids, ...ist(login), mfa_phone_number: phone, locale: 'fr' });
  assert.deepEqual([sent.member.mfa_phone_number, sent.member.mfa_phone_number_verified], [phone, false]);
  assert.match((await server.inbox.lastFor(phone)).text, /^\d{6} est votre code/);
  const auth = await stytch.otps.sms.authenticate({
    ...ids,
    ...ist(login),
    code: await lastSmsCode(server, phone),
    session_duration_minutes: 30,
    session_custom_claims: { plan: 'gold' },
  });
  assert.deepEqual(factorsOf(auth), ['email_otp', 'otp']);
  assert.deepEqual(auth.member_session.custom_claims, { plan: 'gold' });
  assert.deepEqual([auth.member.mfa_enrolled, auth.member.default_mfa_method], [true, 'sms_otp']);
  const { phone_number } = auth.member_session.authentication_factors[1].phone_number_factor;
  assert.equal(phone_number, phone);
  // What the SDK checks itself agrees.
  const local = await stytch.sessions.authenticateJwtLocal({ session_jwt: auth.session_jwt });
  assert.equal(local.authentication_factors[1].type, 'otp');

  const second = await firstFactor(somebody, { locale: 'es' });
  assert.deepEqual(second.mfa_required, {
    member_options: { mfa_phone_number: phone, totp_registration_id: '' },
    secondary_auth_initiated: 'sms_otp',
  });
  const code = await lastSmsCode(server, phone, { count: 2 });
  assert.match((await server.inbox.lastFor(phone)).text, /tu código/);
  await stytch.otps.sms.authenticate({ ...ids, ...ist(second), code });
  await refuses(stytch.otps.sms.authenticate({ ...ids, ...ist(second), code }), 404, 'intermediate_session_not_found');
});

test('text message: codes, numbers and credentials that do not fit are named', async () => {
  const { ids, login } = await newMember();
  const { sms } = stytch.otps;
  const phone = uniquePhone();
  await refuses(sms.send({ ...ids, ...ist(login) }), 404, 'member_phone_number_not_found');
  await refuses(sms.send({ ...ids, mfa_phone_number: '2025550123' }), 400, 'invalid_phone_number');
  await refuses(sms.send({ ...ids, mfa_phone_number: '+442071838750' }), 400, 'invalid_phone_number_country_code');
  await sms.send({ ...ids, ...ist(login), mfa_phone_number: phone });
  const code = await lastSmsCode(server, phone);
  const wrong = code === '000000' ? '000001' : '000000';
  await refuses(sms.authenticate({ ...ids, code }), 400, 'no_session_arguments');
  await refuses(sms.authenticate({ ...ids, ...ist(login), session_token: 'x', code }), 400, 'too_many_session_arguments');
  await refuses(sms.authenticate({ ...ids, ...ist(login), code: '12' }), 400, 'invalid_code');
  await refuses(sms.authenticate({ ...ids, ...ist(login), code: wrong }), 404, 'otp_code_not_found');

  const other = await newMember({});
  const { session_token } = other.login;
  await refuses(sms.authenticate({ ...ids, session_token, code }), 400, 'member_session_member_id_mismatch');
  await sms.authenticate({ ...ids, ...ist(login), code });
  const invited = await createOrganization();
  const pending = await createMember(invited, { create_member_as_pending: true });
  const theirs = { organization_id: invited.organization_id, member_id: pending.member_id };
  await refuses(sms.send({ ...theirs, mfa_phone_number: phone }), 400, 'action_available_only_for_active_members');
});

test('authenticator app: created with a picture, proven, used once a code', async () => {
  const somebody = await newMember();
  const { ids } = somebody;
  const { app, created, auth } = await enrolApp(somebody);
  assert.match(created.secret, /^[A-Z2-7]{32}$/);
  assert.match(created.qr_code, /^data:image\/png;base64,iVBORw0KGgo/);
  assert.equal(created.recovery_codes.length, 10);
  assert.ok(created.recovery_codes.every((code) => /^[a-z0-9]{4}(-[a-z0-9]{4}){2}$/.test(code)));
  assert.equal(auth.member.totp_registration_id, created.totp_registration_id);
  assert.deepEqual(factorsOf(auth), ['email_otp', 'totp']);

  const { session_token } = auth;
  const reused = stytch.totps.authenticate({ ...ids, session_token, code: app.lastCode() });
  await refuses(reused, 401, 'totp_code_already_authenticated');
  await refuses(stytch.totps.create({ ...ids, session_token }), 400, 'active_totp_exists');
  const login = await firstFactor(somebody);
  assert.deepEqual(login.mfa_required.member_options, {
    mfa_phone_number: '',
    totp_registration_id: created.totp_registration_id,
  });
  await refuses(stytch.totps.authenticate({ ...ids, ...ist(login), code: 'abcdef' }), 400, 'invalid_totp_code');
  const [recoveryCode] = created.recovery_codes;
  const mixedUp = stytch.totps.authenticate({ ...ids, ...ist(login), code: recoveryCode });
  await refuses(mixedUp, 400, 'recovery_code_used_as_totp_code');
  const done = await stytch.totps.authenticate({ ...ids, ...ist(login), code: await app.nextCode() });
  assert.ok(done.session_token && done.session_jwt);
});

test('authenticator app: imported from another system with its codes', async () => {
  const somebody = await newMember();
  const { ids, login } = somebody;
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const migrated = await stytch.totps.migrate({ ...ids, secret, recovery_codes: ['old-1', 'old-2'] });
  assert.deepEqual(migrated.recovery_codes, ['old-1', 'old-2']);
  assert.equal(migrated.member.totp_registration_id, migrated.totp_registration_id);
  const code = await authenticatorApp(server, secret).nextCode();
  await stytch.totps.authenticate({ ...ids, ...ist(login), code });
  const recovered = await stytch.recoveryCodes.recover({ ...ids, ...ist(await firstFactor(somebody)), recovery_code: 'old-2' });
  assert.equal(recovered.recovery_codes_remaining, 1);
});

test('recovery codes: read, used in place of the app, and rotated', async () => {
  const somebody = await newMember();
  const { ids } = somebody;
  const { codes } = await enrolApp(somebody);
  assert.deepEqual((await stytch.recoveryCodes.get(ids)).recovery_codes, codes);
  const login = await firstFactor(somebody);
  const wrong = stytch.recoveryCodes.recover({ ...ids, ...ist(login), recovery_code: 'aaaa-bbbb-cccc' });
  await refuses(wrong, 401, 'unable_to_authenticate_recovery_code');
  const recovered = await stytch.recoveryCodes.recover({ ...ids, ...ist(login), recovery_code: codes[0] });
  assert.equal(recovered.recovery_codes_remaining, 9);
  assert.deepEqual(factorsOf(recovered), ['email_otp', 'recovery_codes']);
  assert.deepEqual((await stytch.recoveryCodes.get(ids)).recovery_codes, codes.slice(1));
  const rotated = await stytch.recoveryCodes.rotate(ids);
  assert.equal(rotated.recovery_codes.length, 10);
  const old = stytch.recoveryCodes.recover({ ...ids, ...ist(await firstFactor(somebody)), recovery_code: codes[1] });
  await refuses(old, 401, 'unable_to_authenticate_recovery_code');
});

test('a session takes factors and flags, and a member without a policy decides alone', async () => {
  const somebody = await newMember({});
  const { ids, login } = somebody;
  assert.equal(login.member_authenticated, true);
  const { session_token } = login;
  const { app, auth } = await enrolApp(somebody);
  assert.equal(auth.session_token, session_token);
  assert.equal(auth.member.mfa_enrolled, false);
  const phone = uniquePhone();
  await stytch.otps.sms.send({ ...ids, session_jwt: auth.session_jwt, mfa_phone_number: phone });
  const flags = { set_mfa_enrollment: 'enroll', set_default_mfa: true };
  const both = await stytch.otps.sms.authenticate({
    ...ids,
    ...flags,
    session_token,
    code: await lastSmsCode(server, phone),
  });
  assert.deepEqual(factorsOf(both), ['email_otp', 'totp', 'otp']);
  assert.deepEqual([both.member.mfa_enrolled, both.member.default_mfa_method], [true, 'sms_otp']);

  const second = await firstFactor(somebody);
  assert.equal(second.mfa_required.secondary_auth_initiated, 'sms_otp');
  const code = await app.nextCode();
  const unenrolled = await stytch.totps.authenticate({ ...ids, ...ist(second), code, set_mfa_enrollment: 'unenroll' });
  assert.equal(unenrolled.member.mfa_enrolled, false);
  assert.equal((await firstFactor(somebody)).member_authenticated, true);
  // A session of the member's own stands for the second factor.
  await stytch.organizations.members.update({ ...ids, mfa_enrolled: true });
  assert.equal((await firstFactor(somebody, { session_token })).member_authenticated, true);
});

test('a factor is added only with the one that is there', async () => {
  const somebody = await newMember();
  const { ids } = somebody;
  const { auth } = await enrolApp(somebody);
  const login = await firstFactor(somebody);
  const mfa_phone_number = uniquePhone();
  await refuses(stytch.otps.sms.send({ ...ids, ...ist(login), mfa_phone_number }), 401, 'insufficient_factors');
  await refuses(stytch.otps.sms.send({ ...ids, mfa_phone_number }), 401, 'insufficient_factors');
  await stytch.otps.sms.send({ ...ids, session_token: auth.session_token, mfa_phone_number });
});

test('factors are deleted, and the next login asks for a new one', async () => {
  const somebody = await newMember();
  const { ids } = somebody;
  const { auth } = await enrolApp(somebody);
  const phone = uniquePhone();
  const { session_token } = auth;
  await stytch.otps.sms.send({ ...ids, session_token, mfa_phone_number: phone });
  await stytch.otps.sms.authenticate({ ...ids, session_token, code: await lastSmsCode(server, phone) });
  const { members } = stytch.organizations;
  const withoutApp = await members.deleteTOTP(ids);
  assert.deepEqual([withoutApp.member.totp_registration_id, withoutApp.member.default_mfa_method], ['', 'sms_otp']);
  const withoutBoth = await members.deleteMFAPhoneNumber(ids);
  assert.deepEqual([withoutBoth.member.mfa_phone_number, withoutBoth.member.default_mfa_method], ['', '']);
  await refuses(members.deleteTOTP(ids), 404, 'totp_not_found');
  await refuses(members.deleteMFAPhoneNumber(ids), 404, 'member_phone_number_not_found');
  await stytch.sessions.authenticate({ session_token });
  assert.equal((await firstFactor(somebody)).mfa_required.member_options, null);
});

test('entering an organization from discovery sends the code, looking around does not', async () => {
  const organization = await createOrganization({ mfa_policy: 'REQUIRED_FOR_ALL' });
  const phone = uniquePhone();
  const email_address = uniqueEmail();
  const member = await createMember(organization, { email_address, mfa_phone_number: phone });
  const { intermediate_session_token, discovered_organizations } = await discover(email_address);
  assert.equal(discovered_organizations[0].mfa_required.secondary_auth_initiated, null);
  assert.deepEqual(await server.inbox.messagesFor(phone), []);
  const { organization_id } = organization;
  const pending = await stytch.discovery.intermediateSessions.exchange({ organization_id, intermediate_session_token });
  assert.equal(pending.mfa_required.secondary_auth_initiated, 'sms_otp');
  const code = await lastSmsCode(server, phone);
  const { member_id } = member;
  await stytch.otps.sms.authenticate({ organization_id, member_id, intermediate_session_token, code });
});

test('the sandbox phone has a code that is known beforehand', async () => {
  const { ids, login } = await newMember();
  await stytch.otps.sms.send({ ...ids, ...ist(login), mfa_phone_number: '+10000000000' });
  const auth = await stytch.otps.sms.authenticate({ ...ids, ...ist(login), code: '000000' });
  assert.equal(auth.member.mfa_phone_number, '+10000000000');
  assert.deepEqual(await server.inbox.messagesFor('+10000000000'), []);
});
