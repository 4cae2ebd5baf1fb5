// What becomes of a member over time: the ways in, out and back, its addresses, its names, and what others may exempt it
// from.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, redirectUrl, refuses, tokenIn } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, sendMagicLink, sendCode, signIn } = actorsOf(server);
const { members } = stytch.organizations;

const idsOf = ({ organization_id, member_id }) => ({ organization_id, member_id });
const read = async (member) => (await members.get(idsOf(member))).member;

test('pending, invited, active, deleted, and active again', async () => {
  const organization = await createOrganization({
    email_invites: 'ALL_ALLOWED',
    email_jit_provisioning: 'RESTRICTED',
    email_allowed_domains: ['acme.example'],
  });
  const { organization_id } = organization;
  const email_address = uniqueEmail('acme.example');
  const { member } = await stytch.magicLinks.email.loginOrSignup({
    organization_id,
    email_address,
    login_redirect_url: redirectUrl,
    signup_redirect_url: redirectUrl,
  });
  assert.equal(member.status, 'pending');
  const { status } = (await stytch.magicLinks.email.invite({ organization_id, email_address, invite_redirect_url: redirectUrl })).member;
  assert.equal(status, 'invited');
  const token = tokenIn(await server.inbox.lastFor(email_address, { count: 2 }));
  const accepted = await stytch.magicLinks.authenticate({ magic_links_token: token });
  assert.deepEqual([accepted.member.status, accepted.member.email_address_verified], ['active', true]);
  await refuses(stytch.magicLinks.email.invite({ organization_id, email_address }), 400, 'duplicate_member_email');

  await members.update({ ...idsOf(member), roles: ['stytch_admin'], name: 'Ada' });
  await members.delete(idsOf(member));
  await refuses(members.get(idsOf(member)), 404, 'member_not_found');
  await refuses(members.dangerouslyGet({ member_id: member.member_id }), 404, 'member_not_found');
  const kept = await members.dangerouslyGet({ member_id: member.member_id, include_deleted: true });
  assert.deepEqual([kept.member.status, kept.organization.organization_id], ['deleted', organization_id]);

  const back = await members.reactivate(idsOf(member));
  assert.deepEqual([back.member.status, back.member.name, back.member.is_admin], ['active', 'Ada', false]);
  await refuses(members.reactivate(idsOf(member)), 404, 'no_deleted_member_found_for_reactivation');
  await signIn(organization, back.member);
});

test('a member who was never proven, or whose address is taken, does not come back', async () => {
  const organization = await createOrganization();
  const unproven = await createMember(organization);
  await members.delete(idsOf(unproven));
  await refuses(members.reactivate(idsOf(unproven)), 400, 'email_unverified_for_reactivation');

  const { member } = await signIn(organization, await createMember(organization));
  await members.delete(idsOf(member));
  await createMember(organization, { email_address: member.email_address });
  await refuses(members.reactivate(idsOf(member)), 400, 'reactivation_email_belongs_to_another_member');
});

test('dangerouslyGet finds members of any organization by id alone', async () => {
  const member = await createMember(await createOrganization(), { external_id: unique('crm') });
  const found = await members.dangerouslyGet({ member_id: member.member_id });
  assert.deepEqual(found.member, member);
  await refuses(members.dangerouslyGet({ member_id: member.external_id }), 400, 'invalid_id');
});

for (const [how, delivery_method] of [
  ['link', 'EMAIL_MAGIC_LINK'],
  ['code', 'EMAIL_OTP'],
]) {
  test(`a member changes its address by ${how}`, async () => {
    const organization = await createOrganization();
    const { member } = await signIn(organization, await createMember(organization));
    const wanted = uniqueEmail();
    await members.startEmailUpdate({ ...idsOf(member), email_address: wanted, login_redirect_url: redirectUrl, delivery_method });
    assert.equal((await read(member)).email_address, member.email_address, 'nothing has changed yet');
    await refuses(createMember(organization, { email_address: wanted }), 400, 'desired_email_updating_for_different_member');

    const message = await server.inbox.lastFor(wanted);
    const { organization_id } = organization;
    const proven =
      how === 'link'
        ? await stytch.magicLinks.authenticate({ magic_links_token: tokenIn(message) })
        : await stytch.otps.email.authenticate({ organization_id, email_address: wanted, code: message.code });
    assert.equal(proven.member_id, member.member_id);
    assert.deepEqual([proven.member.email_address, proven.member.email_address_verified], [wanted, true]);
    assert.deepEqual(proven.member.retired_email_addresses.map((retired) => retired.email_address), [member.email_address]);
    await refuses(createMember(organization, { email_address: member.email_address }), 400, 'retired_member_email');
  });
}

test('a change of address that takes too long changes nothing', async () => {
  const organization = await createOrganization();
  const { member } = await signIn(organization, await createMember(organization));
  const wanted = uniqueEmail();
  await members.startEmailUpdate({ ...idsOf(member), email_address: wanted, login_redirect_url: redirectUrl });
  const token = tokenIn(await server.inbox.lastFor(wanted));
  await server.clock.advance(301);
  await refuses(stytch.magicLinks.authenticate({ magic_links_token: token }), 401, 'unable_to_auth_magic_link');
  await createMember(organization, { email_address: wanted });
  assert.equal((await read(member)).email_address, member.email_address);
});

test('who may change an address', async () => {
  const organization = await createOrganization();
  const start = (member, fields = {}) => members.startEmailUpdate({ ...idsOf(member), email_address: uniqueEmail(), ...fields });
  await refuses(start(await createMember(organization)), 400, 'member_has_no_active_verified_email');
  const pending = await createMember(organization, { create_member_as_pending: true });
  await refuses(start(pending), 400, 'email_updates_available_only_for_active_members');
  const { member } = await signIn(organization, await createMember(organization));
  const other = await createMember(organization);
  await refuses(start(member, { email_address: other.email_address }), 400, 'duplicate_member_email');
  await refuses(start(member, { delivery_method: 'PIGEON' }), 400, 'invalid_argument');
});

test('a retired address is let go of', async () => {
  const organization = await createOrganization();
  const { member } = await signIn(organization, await createMember(organization));
  await members.update({ ...idsOf(member), email_address: uniqueEmail() });
  const [retired] = (await read(member)).retired_email_addresses;
  assert.equal(retired.email_address, member.email_address);
  const unlink = (fields) => members.unlinkRetiredEmail({ ...idsOf(member), ...fields });
  await refuses(unlink({}), 400, 'retired_email_missing_email_identifiers');
  await refuses(unlink({ email_id: retired.email_id, email_address: uniqueEmail() }), 404, 'email_not_found');
  const { member: free } = await unlink(retired);
  assert.deepEqual(free.retired_email_addresses, []);
  await createMember(organization, { email_address: member.email_address });
});

test('external ids name a member in its organization, and can be cleared', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const external_id = unique('crm');
  const member = await createMember(organization, { external_id });
  const byName = { organization_id, member_id: external_id };
  assert.equal((await members.update({ ...byName, name: 'Ada' })).member.member_id, member.member_id);
  await refuses(createMember(organization, { external_id }), 400, 'duplicate_member_external_id');
  await createMember(await createOrganization(), { external_id });
  assert.equal((await members.deleteExternalId(byName)).member.external_id, null);
  await refuses(members.get(byName), 404, 'member_not_found');
  await createMember(organization, { external_id });
});

test('a member who is exempt signs in by a method that is closed to others', async () => {
  const organization = await createOrganization({ auth_methods: 'RESTRICTED', allowed_auth_methods: ['email_otp'] });
  const exempt = await createMember(organization, { is_breakglass: true });
  const plain = await createMember(organization);
  const refused = stytch.magicLinks.email.loginOrSignup({
    organization_id: organization.organization_id,
    email_address: plain.email_address,
    login_redirect_url: redirectUrl,
    signup_redirect_url: redirectUrl,
  });
  await refuses(refused, 400, 'operation_restricted_by_organization_auth_methods');
  const token = await sendMagicLink(organization, exempt.email_address);
  const { member_authenticated } = await stytch.magicLinks.authenticate({ magic_links_token: token });
  assert.equal(member_authenticated, true);

  await members.update({ ...idsOf(exempt), is_breakglass: false });
  assert.equal((await read(exempt)).is_breakglass, false);
  const code = await sendCode(organization, plain.email_address);
  const { organization_id } = organization;
  await stytch.otps.email.authenticate({ organization_id, email_address: plain.email_address, code });
});

test('a filter whose list came out empty is a mistake and not everything', async () => {
  const { organization_id } = await createOrganization();
  const search = (filter_name, filter_value) =>
    members.search({ organization_ids: [organization_id], query: { operator: 'AND', operands: [{ filter_name, filter_value }] } });
  await refuses(search('member_ids', []), 400, 'member_search_missing_member_ids');
  await refuses(search('member_email_fuzzy', ''), 400, 'member_search_missing_member_email_fuzzy');
});
