import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, signIn } = actorsOf(server);
const { members } = stytch.organizations;

test('a new member has the documented defaults', async () => {
  const organization = await createOrganization();
  const email = uniqueEmail();
  const response = await members.create({ organization_id: organization.organization_id, email_address: email });

  assert.equal(response.status_code, 200);
  assert.deepEqual(response.organization, organization);
  assert.equal(response.member_id, response.member.member_id);
  const { member_id, created_at, updated_at, ...rest } = response.member;
  assert.match(member_id, /^member-test-[0-9a-f-]{36}$/);
  assert.ok(Date.parse(created_at) && Date.parse(updated_at));
  assert.deepEqual(rest, {
    organization_id: organization.organization_id,
    email_address: email,
    email_address_verified: false,
    status: 'active',
    name: '',
    external_id: null,
    is_breakglass: false,
    is_admin: false,
    is_locked: false,
    lock_created_at: null,
    lock_expires_at: null,
    member_password_id: '',
    totp_registration_id: '',
    mfa_enrolled: false,
    mfa_phone_number: '',
    mfa_phone_number_verified: false,
    default_mfa_method: '',
    retired_email_addresses: [],
    sso_registrations: [],
    oauth_registrations: [],
    scim_registration: null,
    roles: [{ role_id: 'stytch_member', sources: [{ type: 'direct_assignment', details: {} }] }],
    trusted_metadata: {},
    untrusted_metadata: {},
  });
});

test('fields given at creation are kept', async () => {
  const organization = await createOrganization();
  const fields = {
    name: 'Ada Lovelace',
    external_id: unique('crm'),
    is_breakglass: true,
    mfa_enrolled: true,
    mfa_phone_number: '+12025550123',
    trusted_metadata: { level: 3 },
    untrusted_metadata: { theme: 'dark' },
  };
  const member = await createMember(organization, { ...fields, roles: ['stytch_admin'], create_member_as_pending: true });
  for (const [key, value] of Object.entries(fields)) assert.deepEqual(member[key], value, key);
  assert.equal(member.status, 'pending');
  assert.equal(member.is_admin, true);
  assert.deepEqual(member.roles.map(({ role_id }) => role_id).sort(), ['stytch_admin', 'stytch_member']);
});

test('an address belongs to one member of an organization, in any spelling of case', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  await refuses(createMember(organization, { email_address: email_address.toUpperCase() }), 400, 'duplicate_member_email');
  await createMember(await createOrganization(), { email_address });
});

test('bad input is refused by its own name', async () => {
  const organization = await createOrganization();
  const taken = await createMember(organization, { external_id: unique('ext') });
  for (const [fields, errorType] of [
    [{ email_address: 'nobody' }, 'invalid_email'],
    [{ email_address: 'two@signs@acme.example' }, 'invalid_email'],
    [{ external_id: taken.external_id }, 'duplicate_member_external_id'],
    [{ mfa_phone_number: '555' }, 'invalid_phone_number'],
    [{ roles: ['no_such_role'] }, 'invalid_role'],
    [{ roles: ['stytch_member'] }, 'cannot_assign_default_rbac_role_id'],
    [{ untrusted_metadata: { long: 'x'.repeat(5000) } }, 'metadata_too_large'],
  ]) {
    await refuses(createMember(organization, fields), 400, errorType);
  }
  await refuses(createMember({ organization_id: 'nobody' }), 404, 'organization_not_found');
});

test('a member is found by id, email and external id, in its own organization only', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization, { external_id: unique('ext') });
  const { organization_id } = organization;

  for (const by of [{ member_id: member.member_id }, { member_id: member.external_id }, { email_address: member.email_address }]) {
    const response = await members.get({ organization_id, ...by });
    assert.deepEqual(response.member, member);
    assert.deepEqual(response.organization, organization);
  }

  const stranger = await createOrganization();
  await refuses(members.get({ organization_id: stranger.organization_id, member_id: member.member_id }), 404, 'member_not_found');
  await refuses(members.get({ organization_id, email_address: uniqueEmail() }), 404, 'member_not_found');
  await refuses(members.get({ organization_id }), 400, 'invalid_member_get_fields');
});

test('an update changes what it names and nothing else', async () => {
  const organization = await createOrganization();
  const before = await createMember(organization, { name: 'Ada', untrusted_metadata: { theme: 'dark', size: 'm' } });
  const { member: after } = await members.update({
    organization_id: organization.organization_id,
    member_id: before.member_id,
    name: 'Ada Lovelace',
    untrusted_metadata: { size: null, lang: 'fr' },
  });
  assert.deepEqual(after, {
    ...before,
    name: 'Ada Lovelace',
    untrusted_metadata: { theme: 'dark', lang: 'fr' },
    updated_at: after.updated_at,
  });
});

test('a changed address is unproven, and the old one retires', async () => {
  const organization = await createOrganization();
  const { member } = await signIn(organization, await createMember(organization));
  assert.equal(member.email_address_verified, true);

  const email_address = uniqueEmail();
  const { organization_id } = organization;
  const { member: moved } = await members.update({ organization_id, member_id: member.member_id, email_address });
  assert.equal(moved.email_address, email_address);
  assert.equal(moved.email_address_verified, false);
  assert.deepEqual(moved.retired_email_addresses.map((retired) => retired.email_address), [member.email_address]);
  assert.match(moved.retired_email_addresses[0].email_id, /^email-test-/);
  await refuses(createMember(organization, { email_address: member.email_address }), 400, 'retired_member_email');
});

test('an update that breaks a rule changes nothing', async () => {
  const organization = await createOrganization();
  const other = await createMember(organization);
  const before = await createMember(organization, { mfa_phone_number: '+12025550124' });
  const { organization_id } = organization;
  const update = (fields) => members.update({ organization_id, member_id: before.member_id, name: 'New', ...fields });

  await refuses(update({ email_address: other.email_address }), 400, 'duplicate_member_email');
  await refuses(update({ mfa_phone_number: '+12025550125' }), 400, 'duplicate_member_phone_number_for_member');
  await refuses(update({ default_mfa_method: 'totp' }), 400, 'default_mfa_member_missing_factor');
  assert.deepEqual((await members.get({ organization_id, member_id: before.member_id })).member, before);

  const stranger = await createOrganization();
  const elsewhere = { organization_id: stranger.organization_id, member_id: before.member_id, name: 'New' };
  await refuses(members.update(elsewhere), 404, 'member_not_found');
});

test('a deleted member is gone, signed out, and leaves the address free', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const { member, session_token } = await signIn(organization, await createMember(organization));
  const { member_id } = member;

  assert.equal((await members.delete({ organization_id, member_id })).member_id, member_id);
  await refuses(members.get({ organization_id, member_id }), 404, 'member_not_found');
  await refuses(members.delete({ organization_id, member_id }), 404, 'member_not_found');
  await refuses(stytch.sessions.authenticate({ session_token }), 404, 'session_not_found');

  const again = await createMember(organization, { email_address: member.email_address });
  assert.notEqual(again.member_id, member_id);
  const deleted = await members.search({
    organization_ids: [organization_id],
    query: { operator: 'AND', operands: [{ filter_name: 'statuses', filter_value: ['deleted'] }] },
  });
  assert.deepEqual(deleted.members.map((found) => found.member_id), [member_id]);
});

test('search filters by id, address, status and more', async () => {
  const organization = await createOrganization();
  const wanted = await createMember(organization, {
    create_member_as_pending: true,
    is_breakglass: true,
    mfa_phone_number: '+12025550199',
  });
  await createMember(organization);

  for (const [filter_name, filter_value] of [
    ['member_ids', [wanted.member_id]],
    ['member_emails', [wanted.email_address]],
    ['member_email_fuzzy', wanted.email_address.slice(0, -3)],
    ['statuses', ['pending']],
    ['member_is_breakglass', true],
    ['member_mfa_phone_numbers', ['+12025550199']],
  ]) {
    const response = await members.search({
      organization_ids: [organization.organization_id],
      query: { operator: 'AND', operands: [{ filter_name, filter_value }] },
    });
    assert.deepEqual(response.members, [wanted], filter_name);
    assert.deepEqual(response.organizations, { [organization.organization_id]: organization }, filter_name);
    assert.deepEqual(response.results_metadata, { total: 1, next_cursor: null }, filter_name);
  }
});

test('search pages through the members of the named organizations only', async () => {
  const [organization, other] = [await createOrganization(), await createOrganization()];
  const made = [];
  for (let i = 0; i < 3; i++) made.push((await createMember(organization)).member_id);
  await createMember(other);

  const first = await members.search({ organization_ids: [organization.organization_id], limit: 2 });
  const { next_cursor: cursor, total } = first.results_metadata;
  const second = await members.search({ organization_ids: [organization.organization_id], limit: 2, cursor });
  assert.equal(total, 3);
  assert.deepEqual([...first.members, ...second.members].map(({ member_id }) => member_id), made);
  assert.equal(second.results_metadata.next_cursor, null);
});

test('a search that cannot be understood is refused', async () => {
  const { organization_id } = await createOrganization();
  const search = (operand) => members.search({ organization_ids: [organization_id], query: { operator: 'AND', operands: [operand] } });
  await refuses(members.search({}), 400, 'member_search_missing_organization_id');
  await refuses(members.search({ organization_ids: [] }), 400, 'member_search_organization_ids_empty');
  await refuses(search({ filter_name: 'member_email_fuzzy', filter_value: 'ab' }), 400, 'member_search_member_email_fuzzy_too_short');
  await refuses(search({ filter_name: 'shoe_size', filter_value: 'abc' }), 400, 'member_search_filter_name_not_recognized');
  await refuses(search({ filter_name: 'statuses', filter_value: ['asleep'] }), 400, 'search_invalid_status_filter');
  await refuses(search({ filter_name: 'member_is_breakglass', filter_value: 'yes' }), 400, 'member_search_expected_boolean');
});
