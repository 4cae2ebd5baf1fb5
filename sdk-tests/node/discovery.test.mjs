import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, redirectUrl, refuses, tokenIn } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, discover, sendCode, signIn } = actorsOf(server);
const { intermediateSessions, organizations } = stytch.discovery;

test('an address finds its memberships and the organizations it may join', async () => {
  const domain = `${unique('found')}.example`;
  const email_address = uniqueEmail(domain);
  const named = (name, settings) => createOrganization({ organization_name: name, ...settings });
  const jit = { email_jit_provisioning: 'RESTRICTED', email_allowed_domains: [domain] };

  const active = await named('C active');
  const member = await createMember(active, { email_address });
  const pending = await named('B pending');
  await createMember(pending, { email_address, create_member_as_pending: true });
  const invited = await named('D invited');
  const { organization_id } = invited;
  await stytch.magicLinks.email.invite({ organization_id, email_address, invite_redirect_url: redirectUrl });
  const open = await named('A open', jit);
  await signIn(open, await createMember(open, { email_address: uniqueEmail(domain) }));

  // Neither an organization whose members of the domain are all unproven, nor one that the member has left.
  const unproven = await named('E unproven', jit);
  await createMember(unproven, { email_address: uniqueEmail(domain) });
  const left = await named('F left');
  const gone = await createMember(left, { email_address });
  await stytch.organizations.members.delete({ organization_id: left.organization_id, member_id: gone.member_id });

  await server.inbox.lastFor(email_address); // the invitation, so that the next message is the code
  const { discovered_organizations, intermediate_session_token } = await discover(email_address);
  assert.deepEqual(
    discovered_organizations.map(({ organization, membership }) => [organization.organization_name, membership.type]),
    [
      ['B pending', 'pending_member'],
      ['C active', 'active_member'],
      ['D invited', 'invited_member'],
      ['A open', 'eligible_to_join_by_email_domain'],
    ],
  );
  for (const { organization, membership, member_authenticated, primary_required, mfa_required } of discovered_organizations) {
    assert.deepEqual([member_authenticated, primary_required, mfa_required], [true, null, null]);
    if (organization.organization_id === active.organization_id) assert.equal(membership.member.member_id, member.member_id);
    if (organization.organization_id === open.organization_id) {
      assert.equal(membership.member, null);
      assert.deepEqual(membership.details, { domain });
    }
  }

  // Listing says the same, and leaves the intermediate session as it is.
  for (let i = 0; i < 2; i++) {
    const listed = await organizations.list({ intermediate_session_token });
    assert.equal(listed.email_address, email_address);
    assert.equal(listed.organization_id_hint, null);
    assert.deepEqual(listed.discovered_organizations, discovered_organizations);
  }
});

test('a member session lists memberships only', async () => {
  const domain = `${unique('listed')}.example`;
  const open = await createOrganization({ email_jit_provisioning: 'RESTRICTED', email_allowed_domains: [domain] });
  await signIn(open, await createMember(open, { email_address: uniqueEmail(domain) }));
  const mine = await createOrganization();
  const { session_token, session_jwt } = await signIn(mine, await createMember(mine, { email_address: uniqueEmail(domain) }));

  for (const by of [{ session_token }, { session_jwt }]) {
    const { discovered_organizations, organization_id_hint } = await organizations.list(by);
    assert.deepEqual(discovered_organizations.map(({ organization }) => organization.organization_id), [mine.organization_id]);
    assert.equal(organization_id_hint, null);
  }
});

test('a list takes exactly one proof, and a good one', async () => {
  const { intermediate_session_token } = await discover(uniqueEmail());
  await refuses(organizations.list({}), 400, 'no_session_arguments');
  const two = { intermediate_session_token, session_token: 'x'.repeat(44) };
  await refuses(organizations.list(two), 400, 'too_many_session_arguments');
  await refuses(organizations.list({ intermediate_session_token: 'x'.repeat(44) }), 404, 'intermediate_session_not_found');
  await refuses(organizations.list({ session_token: 'x'.repeat(44) }), 404, 'session_not_found');
});

test('an exchange enters an organization, accepts an invitation, and uses up the proof', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const email_address = uniqueEmail();
  await stytch.magicLinks.email.invite({ organization_id, email_address, invite_redirect_url: redirectUrl });
  await server.inbox.lastFor(email_address);

  const { intermediate_session_token } = await discover(email_address);
  const exchange = (fields) => intermediateSessions.exchange({ intermediate_session_token, organization_id, ...fields });

  // A refusal uses nothing up.
  await refuses(exchange({ organization_id: 'nowhere' }), 404, 'organization_not_found');
  await refuses(exchange({ session_duration_minutes: 4 }), 400, 'invalid_session_duration_minutes');
  await refuses(exchange({ intermediate_session_token: 'x'.repeat(44) }), 404, 'intermediate_session_not_found');

  const auth = await exchange({ session_duration_minutes: 30, session_custom_claims: { plan: 'gold' } });
  assert.equal(auth.member_authenticated, true);
  assert.equal(auth.intermediate_session_token, '');
  assert.equal(auth.member.status, 'active');
  assert.equal(auth.organization.organization_id, organization_id);
  assert.equal(Date.parse(auth.member_session.expires_at) - Date.parse(auth.member_session.started_at), 30 * 60_000);
  assert.deepEqual(auth.member_session.custom_claims, { plan: 'gold' });
  assert.deepEqual(auth.member_session.authentication_factors.map(({ type }) => type), ['email_otp']);
  await stytch.sessions.authenticate({ session_token: auth.session_token });

  await refuses(exchange({}), 404, 'intermediate_session_not_found');
});

test('an exchange makes a member of an allowed domain', async () => {
  const domain = `${unique('jit')}.example`;
  const open = await createOrganization({ email_jit_provisioning: 'RESTRICTED', email_allowed_domains: [domain] });
  await signIn(open, await createMember(open, { email_address: uniqueEmail(domain) }));
  const email_address = uniqueEmail(domain);

  const { intermediate_session_token } = await discover(email_address);
  const auth = await intermediateSessions.exchange({ intermediate_session_token, organization_id: open.organization_id });
  assert.equal(auth.member.status, 'active');
  assert.equal(auth.member.email_address_verified, true);
  assert.deepEqual(auth.member_session.roles, ['stytch_member']);
});

test('an exchange does not let a stranger in', async () => {
  const closed = await createOrganization();
  const email_address = uniqueEmail();
  const { intermediate_session_token } = await discover(email_address);
  const exchange = intermediateSessions.exchange({ intermediate_session_token, organization_id: closed.organization_id });
  await refuses(exchange, 400, 'email_jit_provisioning_not_allowed');
  const member = stytch.organizations.members.get({ organization_id: closed.organization_id, email_address });
  await refuses(member, 404, 'member_not_found');
});

test('a created organization has its maker as administrator', async () => {
  const domain = `${unique('maker')}.example`;
  const { intermediate_session_token } = await discover(uniqueEmail(domain));
  const slug = unique('made');
  const auth = await organizations.create({
    intermediate_session_token,
    organization_name: 'Northwind',
    organization_slug: slug,
    trusted_metadata: { plan: 'free' },
  });
  assert.equal(auth.member_authenticated, true);
  assert.equal(auth.organization.organization_name, 'Northwind');
  assert.equal(auth.organization.organization_slug, slug);
  assert.deepEqual(auth.organization.trusted_metadata, { plan: 'free' });
  assert.equal(auth.member.status, 'active');
  assert.equal(auth.member.is_admin, true);
  assert.equal(auth.member.email_address_verified, true);
  assert.deepEqual(auth.member_session.roles.toSorted(), ['stytch_admin', 'stytch_member']);
  await refuses(organizations.create({ intermediate_session_token }), 404, 'intermediate_session_not_found');
});

test('a created organization is named after the domain, or the person at a public provider', async () => {
  const domain = unique('tailwind');
  const work = await organizations.create(await discover(`ada@${domain}.example`));
  assert.equal(work.organization.organization_name.toLowerCase(), domain);
  const person = unique('grace');
  const home = await organizations.create(await discover(`${person}@gmail.com`));
  assert.equal(home.organization.organization_name.toLowerCase(), person);
});

test('a refused creation uses nothing up', async () => {
  const taken = await createOrganization();
  const { intermediate_session_token } = await discover(uniqueEmail());
  const create = (fields) => organizations.create({ intermediate_session_token, ...fields });
  await refuses(create({ organization_slug: taken.organization_slug }), 400, 'organization_slug_already_used');
  await refuses(create({ organization_name: 'x'.repeat(129) }), 400, 'invalid_organization_name');
  await refuses(create({ auth_methods: 'RESTRICTED' }), 400, 'allowed_auth_methods_required_for_restricted');
  assert.equal((await create({})).member_authenticated, true);
});

test('an organization that asks for more leaves the proof standing', async () => {
  const email_address = uniqueEmail();
  const strict = await createOrganization({ mfa_policy: 'REQUIRED_FOR_ALL' });
  const sso = await createOrganization({ auth_methods: 'RESTRICTED', allowed_auth_methods: ['sso', 'magic_link'] });
  for (const organization of [strict, sso]) await createMember(organization, { email_address });
  const { intermediate_session_token, discovered_organizations } = await discover(email_address);
  assert.ok(discovered_organizations.every(({ member_authenticated }) => !member_authenticated));
  const exchange = ({ organization_id }) => intermediateSessions.exchange({ intermediate_session_token, organization_id });

  const first = await exchange(strict);
  assert.equal(first.member_authenticated, false);
  assert.equal(first.member_session, null);
  assert.equal(first.session_token, '');
  assert.equal(first.intermediate_session_token, intermediate_session_token);
  assert.equal(first.primary_required, null);
  assert.equal(first.mfa_required.secondary_auth_initiated, null);

  const second = await exchange(sso);
  assert.equal(second.member_authenticated, false);
  assert.deepEqual(second.primary_required.allowed_auth_methods.toSorted(), ['magic_link', 'sso']);

  // One of the allowed methods, together with the proof, completes the sign-in.
  const { organization_id } = sso;
  const { length } = await server.inbox.messagesFor(email_address);
  await stytch.magicLinks.email.loginOrSignup({ organization_id, email_address, login_redirect_url: redirectUrl });
  const magic_links_token = tokenIn(await server.inbox.lastFor(email_address, { count: length + 1 }));
  const done = await stytch.magicLinks.authenticate({ magic_links_token, intermediate_session_token });
  assert.equal(done.member_authenticated, true);
  await refuses(organizations.list({ intermediate_session_token }), 404, 'intermediate_session_not_found');
});

test('an organization made with a second factor in force does not open without it', async () => {
  const { intermediate_session_token } = await discover(uniqueEmail());
  const auth = await organizations.create({ intermediate_session_token, mfa_policy: 'REQUIRED_FOR_ALL' });
  assert.equal(auth.member_authenticated, false);
  assert.equal(auth.session_token, '');
  assert.notEqual(auth.mfa_required, null);
  assert.equal(auth.member.is_admin, true);
});

test('a method that the organization no longer allows does not sign in', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  const code = await sendCode(organization, email_address);
  await stytch.organizations.update({ organization_id, auth_methods: 'RESTRICTED', allowed_auth_methods: ['sso'] });

  const auth = await stytch.otps.email.authenticate({ organization_id, email_address, code });
  assert.equal(auth.member_authenticated, false);
  assert.equal(auth.member_session, null);
  assert.notEqual(auth.intermediate_session_token, '');
  assert.deepEqual(auth.primary_required, { allowed_auth_methods: ['sso'] });
  const { organization_id_hint } = await organizations.list({ intermediate_session_token: auth.intermediate_session_token });
  assert.equal(organization_id_hint, organization_id);
});
