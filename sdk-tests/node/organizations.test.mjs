import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, signedIn } = actorsOf(server);
const { organizations } = stytch;

test('a new organization has the documented defaults', async () => {
  const name = unique('Northwind');
  const response = await organizations.create({ organization_name: name });

  assert.equal(response.status_code, 200);
  assert.match(response.request_id, /^request-id-test-[0-9a-f-]{36}$/);
  const { organization } = response;
  assert.match(organization.organization_id, /^organization-test-[0-9a-f-]{36}$/);
  assert.equal(organization.organization_name, name);
  assert.equal(organization.organization_slug, name.toLowerCase());
  assert.ok(Math.abs(Date.parse(organization.created_at) - Date.now()) < 60_000);
  const { organization_id, organization_name, organization_slug, created_at, updated_at, ...rest } = organization;
  assert.deepEqual(rest, {
    organization_logo_url: '',
    organization_external_id: null,
    trusted_metadata: {},
    sso_default_connection_id: null,
    sso_active_connections: [],
    scim_active_connection: null,
    sso_jit_provisioning: 'ALL_ALLOWED',
    sso_jit_provisioning_allowed_connections: [],
    email_allowed_domains: [],
    email_jit_provisioning: 'NOT_ALLOWED',
    email_invites: 'ALL_ALLOWED',
    oauth_tenant_jit_provisioning: 'NOT_ALLOWED',
    allowed_oauth_tenants: {},
    claimed_email_domains: [],
    auth_methods: 'ALL_ALLOWED',
    allowed_auth_methods: [],
    mfa_policy: 'OPTIONAL',
    mfa_methods: 'ALL_ALLOWED',
    allowed_mfa_methods: [],
    rbac_email_implicit_role_assignments: [],
    custom_roles: [],
    first_party_connected_apps_allowed_type: 'ALL_ALLOWED',
    allowed_first_party_connected_apps: [],
    third_party_connected_apps_allowed_type: 'ALL_ALLOWED',
    allowed_third_party_connected_apps: [],
  });
});

test('an organization is found by id, slug and external id', async () => {
  const externalId = unique('crm');
  const created = await createOrganization({ organization_external_id: externalId });
  for (const organization_id of [created.organization_id, created.organization_slug, externalId]) {
    const { organization } = await organizations.get({ organization_id });
    assert.deepEqual(organization, created);
  }
});

test('settings given at creation are kept', async () => {
  const domain = `${unique('acme')}.example`;
  const settings = {
    email_allowed_domains: [domain],
    email_jit_provisioning: 'RESTRICTED',
    email_invites: 'RESTRICTED',
    auth_methods: 'RESTRICTED',
    allowed_auth_methods: ['magic_link', 'email_otp'],
    mfa_policy: 'REQUIRED_FOR_ALL',
    mfa_methods: 'RESTRICTED',
    allowed_mfa_methods: ['totp'],
    organization_logo_url: 'https://acme.example/logo.png',
    trusted_metadata: { plan: 'gold' },
  };
  const organization = await createOrganization(settings);
  for (const [key, value] of Object.entries(settings)) assert.deepEqual(organization[key], value, key);
});

test('bad input is refused by its own name, and makes nothing', async () => {
  const taken = await createOrganization({ organization_external_id: unique('ext') });
  const name = unique('Refused');
  for (const [fields, errorType] of [
    [{ organization_name: undefined }, 'organization_name_missing'],
    [{ organization_name: 'x'.repeat(129) }, 'invalid_organization_name'],
    [{ organization_slug: 'no spaces' }, 'invalid_organization_slug'],
    [{ organization_slug: 'x' }, 'invalid_organization_slug'],
    [{ organization_slug: taken.organization_slug }, 'organization_slug_already_used'],
    [{ organization_external_id: taken.organization_external_id }, 'organization_external_id_already_used'],
    [{ organization_external_id: 'no spaces' }, 'invalid_organization_external_id'],
    [{ auth_methods: 'RESTRICTED' }, 'allowed_auth_methods_required_for_restricted'],
    [{ auth_methods: 'SOMETIMES' }, 'invalid_organization_auth_method_settings'],
    [{ auth_methods: 'RESTRICTED', allowed_auth_methods: ['carrier_pigeon'] }, 'invalid_organization_allowed_auth_methods'],
    [{ mfa_methods: 'RESTRICTED' }, 'allowed_mfa_methods_required_for_restricted'],
    [{ mfa_policy: 'NEVER' }, 'invalid_organization_mfa_policy'],
    [{ email_invites: 'RESTRICTED' }, 'invalid_restricted_email_setting'],
    [{ email_allowed_domains: ['gmail.com'] }, 'organization_settings_domain_too_common'],
    [{ email_allowed_domains: ['not a domain'] }, 'organization_settings_invalid_domain'],
    [{ trusted_metadata: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, i])) }, 'metadata_too_many_keys'],
    [{ trusted_metadata: { long: 'x'.repeat(5000) } }, 'metadata_too_large'],
  ]) {
    await refuses(organizations.create({ organization_name: name, ...fields }), 400, errorType);
  }
  const { organizations: found } = await organizations.search({
    query: { operator: 'AND', operands: [{ filter_name: 'organization_name_fuzzy', filter_value: name }] },
  });
  assert.deepEqual(found, []);
});

test('an update changes what it names and nothing else', async () => {
  const before = await createOrganization({ trusted_metadata: { plan: 'gold', seats: { max: 5 }, region: 'eu' } });
  const { organization: after } = await organizations.update({
    organization_id: before.organization_id,
    organization_name: 'Renamed',
    trusted_metadata: { region: null, seats: { min: 1 } },
  });
  assert.deepEqual(after, {
    ...before,
    organization_name: 'Renamed',
    trusted_metadata: { plan: 'gold', seats: { min: 1 } },
    updated_at: after.updated_at,
  });
  assert.deepEqual((await organizations.get({ organization_id: before.organization_id })).organization, after);
});

test('an update that breaks a rule changes nothing', async () => {
  const before = await createOrganization();
  const other = await createOrganization();
  const update = (fields) => organizations.update({ organization_id: before.organization_id, ...fields });

  await refuses(update({ organization_slug: other.organization_slug }), 400, 'organization_slug_already_used');
  await refuses(update({ organization_name: 'New', auth_methods: 'RESTRICTED' }), 400, 'allowed_auth_methods_required_for_restricted');
  assert.deepEqual((await organizations.get({ organization_id: before.organization_id })).organization, before);
});

test('a deleted organization takes members and sessions with it', async () => {
  const { organization, session_token } = await signedIn();
  const { organization_id } = organization;

  assert.equal((await organizations.delete({ organization_id })).organization_id, organization_id);
  await refuses(organizations.get({ organization_id }), 404, 'organization_not_found');
  await refuses(organizations.delete({ organization_id }), 404, 'organization_not_found');
  await refuses(stytch.sessions.authenticate({ session_token }), 404, 'session_not_found');
});

test('an unknown or missing id is not found', async () => {
  for (const organization_id of ['organization-test-00000000-0000-4000-8000-000000000000', 'nobody', undefined]) {
    await refuses(organizations.get({ organization_id }), 404, 'organization_not_found');
  }
});

test('search filters by id, slug, name, domain and member', async () => {
  const domain = `${unique('find')}.example`;
  const wanted = await createOrganization({ organization_name: unique('Needle'), email_allowed_domains: [domain] });
  const member = await createMember(wanted, { email_address: uniqueEmail(domain) });
  await createOrganization();

  for (const [filter_name, filter_value] of [
    ['organization_ids', [wanted.organization_id]],
    ['organization_slugs', [wanted.organization_slug]],
    ['organization_slug_fuzzy', wanted.organization_slug.slice(1, -1)],
    ['organization_name_fuzzy', wanted.organization_name.slice(1).toUpperCase()],
    ['allowed_domains', [domain]],
    ['allowed_domain_fuzzy', domain.slice(0, -3)],
    ['member_emails', [member.email_address]],
    ['member_email_fuzzy', member.email_address.slice(0, -3)],
  ]) {
    const response = await organizations.search({ query: { operator: 'AND', operands: [{ filter_name, filter_value }] } });
    assert.deepEqual(response.organizations, [wanted], filter_name);
    assert.deepEqual(response.results_metadata, { total: 1, next_cursor: null }, filter_name);
  }
});

test('search pages through everything once', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await createOrganization()).organization_id);
  const query = { operator: 'AND', operands: [{ filter_name: 'organization_ids', filter_value: made }] };

  const pages = [];
  let cursor;
  do {
    const { organizations: page, results_metadata } = await organizations.search({ query, limit: 2, cursor });
    assert.equal(results_metadata.total, 5);
    pages.push(page.map(({ organization_id }) => organization_id));
    cursor = results_metadata.next_cursor;
  } while (cursor);
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  assert.deepEqual(pages.flat(), made, 'oldest first');
});

test('a search that cannot be understood is refused', async () => {
  const search = (operand) => organizations.search({ query: { operator: 'AND', operands: [operand] } });
  await refuses(search({ filter_name: 'organization_name_fuzzy', filter_value: 'ab' }), 400, 'organization_search_organization_name_fuzzy_too_short');
  await refuses(search({ filter_name: 'shoe_size', filter_value: 'abc' }), 400, 'organization_search_filter_name_not_recognized');
  await refuses(search({ filter_name: 'organization_ids', filter_value: 'abc' }), 400, 'organization_search_expected_array_of_strings');
  await refuses(search({ filter_name: 'organization_name_fuzzy', filter_value: ['abc'] }), 400, 'organization_search_expected_string');
  await refuses(search({ filter_value: 'abc' }), 400, 'organization_search_missing_filter_name');
  await refuses(search({ filter_name: 'organization_ids' }), 400, 'organization_search_missing_filter_value');
  await refuses(organizations.search({ limit: 1001 }), 400, 'user_search_invalid_limit');
  await refuses(organizations.search({ cursor: 'not-a-cursor' }), 400, 'user_search_invalid_cursor');
  await refuses(organizations.search({ query: { operator: 'XOR', operands: [] } }), 400, 'user_search_invalid_operator');
});

test('every setting is changed, read back, and replaced whole', async () => {
  const { organization_id } = await createOrganization();
  const domain = `${unique('acme')}.example`;
  for (const settings of [
    { organization_logo_url: 'https://acme.example/logo.png' },
    { email_allowed_domains: [domain, 'globex.example'] },
    { email_invites: 'RESTRICTED', email_jit_provisioning: 'RESTRICTED' },
    { email_allowed_domains: [domain] },
    { sso_jit_provisioning: 'NOT_ALLOWED' },
    { oauth_tenant_jit_provisioning: 'RESTRICTED', allowed_oauth_tenants: { slack: ['T1', 'T2'], github: ['42'] } },
    { allowed_oauth_tenants: { hubspot: ['7'] } },
    { auth_methods: 'RESTRICTED', allowed_auth_methods: ['sso', 'google_oauth', 'email_otp'] },
    { allowed_auth_methods: ['password'] },
    { mfa_policy: 'REQUIRED_FOR_ALL', mfa_methods: 'RESTRICTED', allowed_mfa_methods: ['totp', 'sms_otp'] },
    { rbac_email_implicit_role_assignments: [{ domain, role_id: 'stytch_admin' }] },
    { claimed_email_domains: [domain] },
    { first_party_connected_apps_allowed_type: 'RESTRICTED', allowed_first_party_connected_apps: ['app-1'] },
    { third_party_connected_apps_allowed_type: 'NOT_ALLOWED', allowed_third_party_connected_apps: ['app-2', 'app-3'] },
    { organization_external_id: unique('crm'), trusted_metadata: { plan: 'gold' } },
  ]) {
    const { organization: before } = await organizations.get({ organization_id });
    const { organization } = await organizations.update({ organization_id, ...settings });
    assert.deepEqual({ ...organization, updated_at: '' }, { ...before, ...settings, updated_at: '' });
  }
});

test('metrics count the members that are not deleted', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const count = async () => (await organizations.metrics({ organization_id })).member_count;
  assert.equal(await count(), 0);
  await createMember(organization, { create_member_as_pending: true });
  const { member_id } = await createMember(organization);
  assert.equal(await count(), 2);
  await organizations.members.delete({ organization_id, member_id });
  assert.equal(await count(), 1);
});

test('an external id is cleared by its own call and free for others', async () => {
  const organization_external_id = unique('crm');
  const { organization_slug } = await createOrganization({ organization_external_id });
  await refuses(createOrganization({ organization_external_id }), 400, 'organization_external_id_already_used');
  const { organization } = await organizations.deleteExternalId({ organization_id: organization_slug });
  assert.equal(organization.organization_external_id, null);
  await refuses(organizations.get({ organization_id: organization_external_id }), 404, 'organization_not_found');
  await createOrganization({ organization_external_id });
});
