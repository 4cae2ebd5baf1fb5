// Passwords of one member and passwords that count in every organization.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, pkce, redirectUrl, refuses, tokenIn } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
const shared = await startServer({ settings: { cross_org_passwords_enabled: true } });
after(() => Promise.all([server.stop(), shared.stop()]));
const { stytch, createOrganization, createMember, signIn } = actorsOf(server);
const { passwords } = stytch;

const password = 'correct horse battery staple';
const better = 'seven quiet lighthouses at dawn';

/** Starts a reset by mail and returns the token of its link. */
async function startReset(organization, email_address, options = {}) {
  const { length } = await server.inbox.messagesFor(email_address);
  await passwords.email.resetStart({
    organization_id: organization.organization_id,
    email_address,
    reset_password_redirect_url: redirectUrl,
    login_redirect_url: redirectUrl,
    ...options,
  });
  return tokenIn(await server.inbox.lastFor(email_address, { count: length + 1 }));
}

async function memberWithPassword() {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const { email_address } = await createMember(organization);
  const password_reset_token = await startReset(organization, email_address);
  const reset = await passwords.email.reset({ password_reset_token, password });
  return { organization, organization_id, email_address, reset };
}

test('strength is measured', async () => {
  const weak = await passwords.strengthCheck({ password: 'password' });
  assert.equal(weak.valid_password, false);
  assert.equal(weak.score, 0);
  assert.equal(weak.strength_policy, 'zxcvbn');
  assert.equal(weak.luds_feedback, null);
  assert.ok(weak.zxcvbn_feedback.warning.length > 0 && weak.zxcvbn_feedback.suggestions.length > 0);
  const strong = await passwords.strengthCheck({ password, email_address: uniqueEmail() });
  assert.equal(strong.valid_password, true);
  assert.equal(strong.breached_password, false);
  assert.equal(strong.breach_detection_on_create, false, '`ostiary dev` asks nobody');
});

test('a password is set by a link, and signs in', async () => {
  const { organization_id, email_address, reset } = await memberWithPassword();
  assert.equal(reset.member_authenticated, true);
  assert.match(reset.member_email_id, /^email-test-/);
  assert.match(reset.member.member_password_id, /^member-password-test-/);

  const auth = await passwords.authenticate({ organization_id, email_address, password, session_duration_minutes: 60 });
  const [factor] = auth.member_session.authentication_factors;
  assert.equal(factor.type, 'password');
  assert.equal(factor.delivery_method, 'knowledge');
  assert.equal(factor.sequence_order, 'PRIMARY');

  await refuses(passwords.authenticate({ organization_id, email_address, password: better }), 401, 'unauthorized_credentials');
  const nobody = passwords.authenticate({ organization_id, email_address: uniqueEmail(), password });
  await refuses(nobody, 404, 'member_not_found');
});

test('a link works once, with its verifier, and not for a weak password', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { verifier, challenge } = pkce();
  const password_reset_token = await startReset(organization, email_address, { code_challenge: challenge });
  const reset = (fields) => passwords.email.reset({ password_reset_token, password, ...fields });
  await refuses(reset({}), 400, 'pkce_expected_code_verifier');
  await refuses(reset({ code_verifier: verifier, password: 'password' }), 400, 'weak_password');
  await reset({ code_verifier: verifier });
  await refuses(reset({ code_verifier: verifier }), 401, 'unable_to_auth_password_reset_token');
});

test('the mail also offers to sign in without a password', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  await startReset(organization, email_address);
  const { links } = await server.inbox.lastFor(email_address);
  const types = links.map((link) => new URL(link).searchParams.get('stytch_token_type'));
  assert.deepEqual(types, ['multi_tenant_passwords', 'multi_tenant_magic_links']);
  const magic_links_token = new URL(links[1]).searchParams.get('token');
  assert.equal((await stytch.magicLinks.authenticate({ magic_links_token })).member_authenticated, true);
});

test('who knows the password changes it, and all sessions end', async () => {
  const { organization_id, email_address, reset } = await memberWithPassword();
  const change = (existing_password, new_password) =>
    passwords.existingPassword.reset({ organization_id, email_address, existing_password, new_password });
  await refuses(change(better, password), 401, 'unauthorized_credentials');
  await refuses(change(password, 'password'), 400, 'weak_password');
  const changed = await change(password, better);
  assert.equal(changed.member_authenticated, true);
  const { session_token } = reset;
  await refuses(stytch.sessions.authenticate({ session_token }), 404, 'session_not_found');
  await passwords.authenticate({ organization_id, email_address, password: better });
});

test('a fresh session sets a password and goes on', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const member = await createMember(organization);
  const { session_token, member_session } = await signIn(organization, member);
  const set = await passwords.sessions.reset({ organization_id, password, session_token });
  assert.equal(set.member_session.member_session_id, member_session.member_session_id);
  assert.deepEqual(
    set.member_session.authentication_factors.map(({ type }) => type),
    ['magic_link', 'password'],
  );
});

test('a password is deleted', async () => {
  const { organization_id, email_address, reset } = await memberWithPassword();
  const { member_password_id } = reset.member;
  const deleted = await stytch.organizations.members.deletePassword({ organization_id, member_password_id });
  assert.equal(deleted.member.member_password_id, '');
  await refuses(passwords.authenticate({ organization_id, email_address, password }), 404, 'member_password_not_found');
});

test('passwords of other systems are taken over with their members', async () => {
  const { organization_id } = await createOrganization();
  const scrypt =
    'cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==';
  for (const [hash, text] of [
    [{ hash_type: 'bcrypt', hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' }, 'U*U'],
    [{ hash_type: 'md_5', hash: '01dfae6e5d4d90d9892622325959afbe', md_5_config: { append_salt: '7050461' } }, 'hashcat'],
    [{ hash_type: 'sha_1', hash: 'b89eaac7e61417341b710b727768294d0e6a277b' }, 'hashcat'],
    [{ hash_type: 'phpass', hash: '$P$984478476IagS59wHZvyQMArzfx58u.' }, 'hashcat'],
    [
      {
        hash_type: 'scrypt',
        hash: scrypt,
        scrypt_config: { salt: 'U29kaXVtQ2hsb3JpZGU=', n_parameter: 16384, r_parameter: 8, p_parameter: 1, key_length: 64 },
      },
      'pleaseletmein',
    ],
    [{ hash_type: 'argon_2id', hash: '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc' }, 'password'],
  ]) {
    const email_address = uniqueEmail();
    const migrated = await passwords.migrate({ organization_id, email_address, ...hash, name: 'Ada' });
    assert.equal(migrated.member_created, true);
    assert.equal(migrated.member.name, 'Ada');
    const auth = await passwords.authenticate({ organization_id, email_address, password: text });
    assert.equal(auth.member_id, migrated.member_id);
    await refuses(passwords.migrate({ organization_id, email_address, ...hash }), 400, 'password_already_exists');
  }
  const wrong = passwords.migrate({ organization_id, email_address: uniqueEmail(), hash_type: 'bcrypt', hash: 'x' });
  await refuses(wrong, 400, 'invalid_bcrypt_hash');
});

test('shared: one password leads to every organization of the address', async () => {
  const actors = actorsOf(shared);
  const { passwords } = actors.stytch;
  const { discovery } = passwords;
  const email_address = uniqueEmail();
  const organizations = [await actors.createOrganization(), await actors.createOrganization()];
  for (const organization of organizations) await actors.createMember(organization, { email_address });

  await discovery.email.resetStart({ email_address, reset_password_redirect_url: redirectUrl, discovery_redirect_url: redirectUrl });
  const password_reset_token = tokenIn(await shared.inbox.lastFor(email_address));
  const set = await discovery.email.reset({ password_reset_token, password });
  assert.equal(set.discovered_organizations.length, 2);
  const ids = set.discovered_organizations.map(({ membership }) => membership.member.member_password_id);
  assert.equal(new Set(ids).size, 1);

  const enter = ({ intermediate_session_token }, { organization_id }) =>
    actors.stytch.discovery.intermediateSessions.exchange({ intermediate_session_token, organization_id });
  assert.equal((await enter(set, organizations[0])).member_authenticated, true, 'the link has proven the address');
  const found = () => discovery.authenticate({ email_address, password });
  assert.equal((await enter(await found(), organizations[0])).member_authenticated, true);
  const elsewhere = await enter(await found(), organizations[1]);
  assert.equal(elsewhere.member_authenticated, false, 'there the address was never proven');
  assert.ok(elsewhere.primary_required.allowed_auth_methods.includes('email_otp'));

  await passwords.email.requireReset({ email_address });
  const [{ organization_id }] = organizations;
  await refuses(passwords.authenticate({ organization_id, email_address, password }), 400, 'member_reset_password');
  await refuses(discovery.authenticate({ email_address, password }), 400, 'member_reset_password');
});

test('each mode refuses the calls of the other', async () => {
  const email_address = uniqueEmail();
  const off = 'cross_org_passwords_not_enabled';
  await refuses(passwords.discovery.authenticate({ email_address, password }), 400, off);
  await refuses(passwords.discovery.email.resetStart({ email_address }), 400, off);
  await refuses(passwords.email.requireReset({ email_address }), 400, off);
  const actors = actorsOf(shared);
  const { organization_id } = await actors.createOrganization({ organization_name: unique('Shared') });
  const member_password_id = 'member-password-test-07971b06-ac8b-4cdb-9c15-63b17e653931';
  const deleting = actors.stytch.organizations.members.deletePassword({ organization_id, member_password_id });
  await refuses(deleting, 400, 'cross_org_passwords_enabled');
});
