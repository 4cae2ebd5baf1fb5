import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn, pkce, redirectUrl, refuses, tokenIn } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, sendMagicLink, sendCode } = actorsOf(server);
const { magicLinks } = stytch;

/** Sends a discovery link and returns its token. */
async function sendDiscoveryLink(email, options = {}) {
  const { length } = await server.inbox.messagesFor(email);
  await magicLinks.email.discovery.send({ email_address: email, discovery_redirect_url: redirectUrl, ...options });
  return tokenIn(await server.inbox.lastFor(email, { count: length + 1 }));
}

test('a login link signs an active member in', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const sent = await magicLinks.email.loginOrSignup({
    organization_id: organization.organization_id,
    email_address: member.email_address,
    login_redirect_url: redirectUrl,
  });
  assert.equal(sent.member_created, false);
  assert.deepEqual(sent.member, member);
  assert.deepEqual(sent.organization, organization);

  const mail = await server.inbox.lastFor(member.email_address);
  assert.equal(mail.channel, 'email');
  assert.ok(mail.subject.includes(organization.organization_name), mail.subject);
  assert.ok(mail.html.includes(linkIn(mail).replaceAll('&', '&amp;')));
  assert.ok(mail.text.includes(linkIn(mail)));

  const auth = await magicLinks.authenticate({ magic_links_token: tokenIn(mail) });
  assert.equal(auth.member_authenticated, true);
  assert.equal(auth.reset_sessions, false);
  assert.equal(auth.intermediate_session_token, '');
  assert.equal(auth.mfa_required, null);
  assert.equal(auth.primary_required, null);
  assert.equal(auth.member_id, member.member_id);
  assert.equal(auth.organization_id, organization.organization_id);
  assert.equal(auth.member.email_address_verified, true);
  assert.match(auth.method_id, /^email-test-[0-9a-f-]{36}$/);
  assert.match(auth.session_token, /^[A-Za-z0-9_-]{44}$/);
  assert.equal(auth.session_jwt.split('.').length, 3);

  const session = auth.member_session;
  assert.match(session.member_session_id, /^session-test-[0-9a-f-]{36}$/);
  assert.equal(session.organization_slug, organization.organization_slug);
  assert.deepEqual(session.roles, ['stytch_member']);
  assert.equal(Date.parse(session.expires_at) - Date.parse(session.started_at), 60 * 60_000);
  const [factor, ...more] = session.authentication_factors;
  assert.deepEqual(more, []);
  assert.equal(factor.type, 'magic_link');
  assert.equal(factor.delivery_method, 'email');
  assert.equal(factor.sequence_order, 'PRIMARY');
  assert.deepEqual(factor.email_factor, { email_id: auth.method_id, email_address: member.email_address });
});

test('a signup link makes a pending member of an allowed domain, and activates it', async () => {
  const domain = `${unique('join')}.example`;
  const organization = await createOrganization({ email_allowed_domains: [domain], email_jit_provisioning: 'RESTRICTED' });
  const email = uniqueEmail(domain);
  const signup = { organization_id: organization.organization_id, email_address: email, signup_redirect_url: redirectUrl };

  const sent = await magicLinks.email.loginOrSignup(signup);
  assert.equal(sent.member_created, true);
  assert.equal(sent.member.status, 'pending');
  assert.equal(sent.member.email_address_verified, false);

  const auth = await magicLinks.authenticate({ magic_links_token: tokenIn(await server.inbox.lastFor(email)) });
  assert.equal(auth.member_id, sent.member_id);
  assert.equal(auth.member.status, 'active');
  assert.equal(auth.member.email_address_verified, true);
});

test('who may not join is refused, and gets no mail', async () => {
  const closed = await createOrganization();
  const restricted = await createOrganization({
    email_allowed_domains: [`${unique('only')}.example`],
    email_jit_provisioning: 'RESTRICTED',
  });
  const linksOnlyBySso = await createOrganization({ auth_methods: 'RESTRICTED', allowed_auth_methods: ['sso'] });
  const known = await createMember(linksOnlyBySso);
  for (const [organization, email, status, errorType] of [
    [closed, uniqueEmail(), 400, 'email_jit_provisioning_not_allowed'],
    [restricted, uniqueEmail(), 400, 'invalid_email_for_jit_provisioning'],
    [linksOnlyBySso, known.email_address, 400, 'operation_restricted_by_organization_auth_methods'],
    [closed, 'nobody', 400, 'invalid_email'],
    [{ organization_id: 'nowhere' }, uniqueEmail(), 404, 'organization_not_found'],
  ]) {
    await refuses(sendMagicLink(organization, email), status, errorType);
    assert.deepEqual(await server.inbox.messagesFor(email), []);
  }
});

test('an invitation makes an invited member, whom the link activates', async () => {
  const organization = await createOrganization();
  const email = uniqueEmail();
  const inviter = await createMember(organization, { name: 'Grace' });
  const sent = await magicLinks.email.invite({
    organization_id: organization.organization_id,
    email_address: email,
    invite_redirect_url: redirectUrl,
    invited_by_member_id: inviter.member_id,
    name: 'Ada',
    roles: ['stytch_admin'],
    trusted_metadata: { level: 3 },
  });
  assert.equal(sent.member.status, 'invited');
  assert.equal(sent.member.name, 'Ada');
  assert.equal(sent.member.is_admin, true);
  assert.deepEqual(sent.member.trusted_metadata, { level: 3 });

  const mail = await server.inbox.lastFor(email);
  assert.ok(mail.subject.includes('Grace'), mail.subject);
  const auth = await magicLinks.authenticate({ magic_links_token: tokenIn(mail) });
  assert.equal(auth.member.status, 'active');
  assert.deepEqual(auth.member_session.roles.toSorted(), ['stytch_admin', 'stytch_member']);
});

test('invitations follow the settings, and deleting the member revokes them', async () => {
  const domain = `${unique('staff')}.example`;
  const restricted = await createOrganization({ email_invites: 'RESTRICTED', email_allowed_domains: [domain] });
  const never = await createOrganization({ email_invites: 'NOT_ALLOWED' });
  const invite = ({ organization_id }, email_address) =>
    magicLinks.email.invite({ organization_id, email_address, invite_redirect_url: redirectUrl });

  await refuses(invite(restricted, uniqueEmail()), 400, 'invalid_email_for_invites');
  await refuses(invite(never, uniqueEmail(domain)), 400, 'invalid_email_for_invites');
  await refuses(invite(restricted, 'nobody'), 400, 'invalid_email');

  const active = await createMember(restricted, { email_address: uniqueEmail(domain) });
  await refuses(invite(restricted, active.email_address), 400, 'duplicate_member_email');

  const { member } = await invite(restricted, uniqueEmail(domain));
  const token = tokenIn(await server.inbox.lastFor(member.email_address));
  await stytch.organizations.members.delete({ organization_id: member.organization_id, member_id: member.member_id });
  await refuses(magicLinks.authenticate({ magic_links_token: token }), 404, 'magic_link_not_found');
});

test('a discovery link proves an address', async () => {
  const email = uniqueEmail();
  const auth = await magicLinks.discovery.authenticate({ discovery_magic_links_token: await sendDiscoveryLink(email) });
  assert.equal(auth.status_code, 200);
  assert.equal(auth.email_address, email);
  assert.deepEqual(auth.discovered_organizations, []);
  assert.match(auth.intermediate_session_token, /^[A-Za-z0-9_-]{44}$/);
  const lifetime = Date.parse(auth.intermediate_session_token_expires_at) - Date.now();
  assert.ok(lifetime > 9 * 60_000 && lifetime <= 10 * 60_000);
});

test('a link works once', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const token = await sendMagicLink(organization, member.email_address);
  await magicLinks.authenticate({ magic_links_token: token });
  await refuses(magicLinks.authenticate({ magic_links_token: token }), 401, 'unable_to_auth_magic_link');

  const discoveryToken = await sendDiscoveryLink(member.email_address);
  await magicLinks.discovery.authenticate({ discovery_magic_links_token: discoveryToken });
  const again = magicLinks.discovery.authenticate({ discovery_magic_links_token: discoveryToken });
  await refuses(again, 401, 'unable_to_auth_magic_link');
});

test('a link works once among fifty callers at once', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const token = await sendMagicLink(organization, member.email_address);
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => magicLinks.authenticate({ magic_links_token: token })),
  );
  const refused = results.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 49);
  for (const { reason } of refused) assert.equal(`${reason.status_code} ${reason.error_type}`, '401 unable_to_auth_magic_link');

  const { organization_id } = organization;
  const { member_sessions } = await stytch.sessions.get({ organization_id, member_id: member.member_id });
  assert.equal(member_sessions.length, 1);
});

test('an unknown token, or one of the other kind, is not found', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const token = await sendMagicLink(organization, member.email_address);
  const discoveryToken = await sendDiscoveryLink(uniqueEmail());

  await refuses(magicLinks.authenticate({ magic_links_token: 'x'.repeat(44) }), 404, 'magic_link_not_found');
  await refuses(magicLinks.authenticate({ magic_links_token: discoveryToken }), 404, 'magic_link_not_found');
  await refuses(magicLinks.discovery.authenticate({ discovery_magic_links_token: token }), 404, 'magic_link_not_found');
  await magicLinks.authenticate({ magic_links_token: token });
});

test('several links to one member are all good', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const tokens = [await sendMagicLink(organization, email_address), await sendMagicLink(organization, email_address)];
  for (const token of tokens) await magicLinks.authenticate({ magic_links_token: token });
});

test('reading the link, as mail scanners do, does not use it', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  await sendMagicLink(organization, member.email_address);
  const mail = await server.inbox.lastFor(member.email_address);
  for (const method of ['HEAD', 'GET', 'HEAD', 'GET']) {
    const response = await fetch(linkIn(mail), { method, redirect: 'manual' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    await response.arrayBuffer();
  }
  await magicLinks.authenticate({ magic_links_token: tokenIn(mail) });
});

test('PKCE: an organization link needs the verifier of its challenge, and a refusal does not use it', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { verifier, challenge } = pkce();
  const token = await sendMagicLink(organization, email_address, { pkce_code_challenge: challenge });
  const authenticate = (pkce_code_verifier) => magicLinks.authenticate({ magic_links_token: token, pkce_code_verifier });

  await refuses(authenticate(undefined), 400, 'pkce_expected_code_verifier');
  await refuses(authenticate(pkce().verifier), 400, 'pkce_mismatch');
  await authenticate(verifier);

  const plain = await sendMagicLink(organization, email_address);
  const unexpected = magicLinks.authenticate({ magic_links_token: plain, pkce_code_verifier: verifier });
  await refuses(unexpected, 400, 'pkce_did_not_expect_code_verifier');
  const malformed = sendMagicLink(organization, email_address, { pkce_code_challenge: 'too short' });
  await refuses(malformed, 400, 'invalid_pkce_code_challenge');
});

test('PKCE: a discovery link needs the verifier of its challenge, and a refusal does not use it', async () => {
  const { verifier, challenge } = pkce();
  const email = uniqueEmail();
  const token = await sendDiscoveryLink(email, { pkce_code_challenge: challenge });
  const authenticate = (pkce_code_verifier) =>
    magicLinks.discovery.authenticate({ discovery_magic_links_token: token, pkce_code_verifier });

  await refuses(authenticate(undefined), 400, 'pkce_expected_code_verifier');
  await refuses(authenticate(pkce().verifier), 400, 'pkce_mismatch');
  await authenticate(verifier);

  const plain = await sendDiscoveryLink(email);
  const unexpected = { discovery_magic_links_token: plain, pkce_code_verifier: verifier };
  await refuses(magicLinks.discovery.authenticate(unexpected), 400, 'pkce_did_not_expect_code_verifier');
});

test('a redirect URL that is not allowed is refused before anything is sent', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const { email_address } = await createMember(organization);
  const newcomer = uniqueEmail();
  const { loginOrSignup, invite, discovery } = {
    loginOrSignup: (fields) => magicLinks.email.loginOrSignup({ organization_id, email_address, ...fields }),
    invite: (fields) => magicLinks.email.invite({ organization_id, email_address: newcomer, ...fields }),
    discovery: (fields) => magicLinks.email.discovery.send({ email_address: newcomer, ...fields }),
  };
  const elsewhere = 'https://elsewhere.example/authenticate';
  await refuses(loginOrSignup({ login_redirect_url: elsewhere }), 400, 'no_match_for_provided_magic_link_url');
  await refuses(invite({ invite_redirect_url: elsewhere }), 400, 'no_match_for_provided_magic_link_url');
  await refuses(discovery({ discovery_redirect_url: elsewhere }), 400, 'no_match_for_provided_magic_link_url');
  // Hosts that only look like loopback.
  for (const url of ['http://localhost.elsewhere.example/', 'http://127.0.0.1.elsewhere.example/']) {
    await refuses(loginOrSignup({ login_redirect_url: url }), 400, 'no_match_for_provided_magic_link_url');
  }
  await refuses(loginOrSignup({ login_redirect_url: 'http://localhost@elsewhere.example/' }), 400, 'invalid_login_redirect_url');
  await refuses(loginOrSignup({ login_redirect_url: 'not a url' }), 400, 'invalid_login_redirect_url');
  await refuses(loginOrSignup({ signup_redirect_url: 'not a url' }), 400, 'invalid_signup_redirect_url');
  await refuses(invite({ invite_redirect_url: 'not a url' }), 400, 'invalid_invite_redirect_url');
  await refuses(discovery({ discovery_redirect_url: 'not a url' }), 400, 'invalid_discovery_redirect_url');

  for (const address of [email_address, newcomer]) assert.deepEqual(await server.inbox.messagesFor(address), []);
  const invited = stytch.organizations.members.get({ organization_id, email_address: newcomer });
  await refuses(invited, 404, 'member_not_found');
});

test('under dev any loopback URL is allowed, and there is a default', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  for (const login_redirect_url of ['http://localhost:5173/in?tab=1', 'http://127.0.0.1:8080/', undefined]) {
    await magicLinks.authenticate({
      magic_links_token: await sendMagicLink(organization, email_address, { login_redirect_url }),
    });
  }
});

test('a session is added to: another factor joins the session that is handed in', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const first = await magicLinks.authenticate({ magic_links_token: await sendMagicLink(organization, member.email_address) });
  const second = await stytch.otps.email.authenticate({
    organization_id: organization.organization_id,
    email_address: member.email_address,
    code: await sendCode(organization, member.email_address),
    session_token: first.session_token,
  });
  assert.equal(second.member_session.member_session_id, first.member_session.member_session_id);
  assert.deepEqual(second.member_session.authentication_factors.map(({ type }) => type).sort(), ['email_otp', 'magic_link']);
});

test('parameters out of range are refused, and do not use the link', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const send = (options) => sendMagicLink(organization, email_address, options);
  await refuses(send({ login_expiration_minutes: 4 }), 400, 'invalid_expiration');
  await refuses(send({ signup_expiration_minutes: 10_081 }), 400, 'invalid_expiration');
  await refuses(send({ locale: 'tlh' }), 400, 'invalid_locale');
  await refuses(send({ login_template_id: 'no-such-template' }), 400, 'invalid_template_id');

  const token = await send();
  for (const session_duration_minutes of [4, 527_041]) {
    const call = magicLinks.authenticate({ magic_links_token: token, session_duration_minutes });
    await refuses(call, 400, 'invalid_session_duration_minutes');
  }
  await magicLinks.authenticate({ magic_links_token: token, session_duration_minutes: 527_040 });
});

test('mails speak the language that is asked for', async () => {
  const organization = await createOrganization();
  const subjects = new Set();
  for (const locale of ['en', 'es', 'fr', 'pt-br']) {
    const { email_address } = await createMember(organization);
    await sendMagicLink(organization, email_address, { locale });
    subjects.add((await server.inbox.lastFor(email_address)).subject);
  }
  assert.equal(subjects.size, 4);
});

test('the sandbox values answer as documented, and send nothing', async () => {
  const email_address = 'sandbox@stytch.com';
  const organization_id = 'organization-test-007d9d4a-deac-4a87-ba0a-e6e8afba4d4b';
  const [ok, unable, missing] = [
    'DOYoip3rvIMMW5lgItikFK-Ak1CfMsgjuiCyI7uuU94=',
    '3pzjQpgksDlGKWEwUq2Up--hCHC_0oamfLHyfspKDFU=',
    'CprTtwhnRNiMBiUS2jSLcWYrfuO2POeBNdo5HhW6qTM=',
  ];
  assert.equal((await magicLinks.email.loginOrSignup({ organization_id, email_address })).status_code, 200);
  assert.equal((await magicLinks.email.invite({ organization_id, email_address })).status_code, 200);
  assert.equal((await magicLinks.email.discovery.send({ email_address })).status_code, 200);
  assert.equal((await magicLinks.authenticate({ magic_links_token: ok })).status_code, 200);
  assert.equal((await magicLinks.discovery.authenticate({ discovery_magic_links_token: ok })).status_code, 200);
  for (const [token, status, errorType] of [
    [unable, 401, 'unable_to_auth_magic_link'],
    [missing, 404, 'magic_link_not_found'],
  ]) {
    await refuses(magicLinks.authenticate({ magic_links_token: token }), status, errorType);
    await refuses(magicLinks.discovery.authenticate({ discovery_magic_links_token: token }), status, errorType);
  }
  assert.deepEqual(await server.inbox.messagesFor(email_address), []);
});
