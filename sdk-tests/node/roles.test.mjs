// Roles: those of organizations, where a member's come from, and that the SDK decides by itself as the server does.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses, sdk } from '../lib/actors.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, signIn } = actorsOf(server);
const { members } = stytch.organizations;

const idsOf = ({ organization_id, member_id }) => ({ organization_id, member_id });
const role = (role_id, resource_id, actions, description = '') => ({
  role_id,
  description,
  permissions: [{ resource_id, actions }],
});
const setRoles = ({ organization_id }, ...roles) =>
  stytch.rbac.organizations.setOrgPolicy({ organization_id, org_policy: { roles } });

test('an organization without roles of its own has an empty policy', async () => {
  const { organization_id } = await createOrganization();
  assert.deepEqual((await stytch.rbac.organizations.getOrgPolicy({ organization_id })).org_policy, { roles: [] });
});

test('the policy of the project has every part that the SDKs read', async () => {
  const { policy } = await stytch.rbac.policy();
  assert.deepEqual(Object.keys(policy).sort(), ['resources', 'roles', 'scopes']);
  assert.deepEqual(
    policy.resources.map(({ resource_id }) => resource_id),
    ['organization', 'member', 'self', 'sso', 'scim', 'custom-org-roles'].map((name) => `stytch.${name}`),
  );
  for (const { actions } of policy.resources) assert.ok(actions.length > 0 && !actions.includes('*'));
  assert.deepEqual(
    policy.scopes.map(({ scope }) => scope).sort(),
    ['email', 'full_access', 'offline_access', 'openid', 'phone', 'profile'],
  );
});

test('roles of an organization are set, held, checked and taken away', async () => {
  const organization = await createOrganization();
  const clerk = role('clerk', 'stytch.member', ['search', 'update.info.name'], 'Keeps names right');
  const { org_policy } = await setRoles(organization, clerk);
  assert.deepEqual(org_policy, { roles: [clerk] });
  const { organization: read } = await stytch.organizations.get(organization);
  assert.deepEqual(read.custom_roles, [clerk]);

  const member = await createMember(organization, { roles: ['clerk'] });
  const { session_token, member_session } = await signIn(organization, member);
  assert.deepEqual(member_session.roles, ['stytch_member', 'clerk']);
  const check = (resource_id, action) =>
    stytch.sessions.authenticate({
      session_token,
      authorization_check: { organization_id: organization.organization_id, resource_id, action },
    });
  assert.deepEqual((await check('stytch.member', 'search')).verdict, { authorized: true, granting_roles: ['clerk'] });
  await refuses(check('stytch.member', 'delete'), 403, 'session_authorization_error');
  await members.search({ organization_ids: [organization.organization_id] }, { authorization: { session_token } });

  await setRoles(organization);
  await refuses(check('stytch.member', 'search'), 403, 'session_authorization_error');
  const { member: left } = await members.get(idsOf(member));
  assert.deepEqual(left.roles.map(({ role_id }) => role_id), ['stytch_member']);
  const elsewhere = await createOrganization();
  await refuses(createMember(elsewhere, { roles: ['clerk'] }), 400, 'invalid_role');
});

test('roles say where they come from', async () => {
  const organization = await createOrganization({
    rbac_email_implicit_role_assignments: [{ domain: 'acme.example', role_id: 'stytch_admin' }],
  });
  const member = await createMember(organization, { email_address: uniqueEmail('acme.example'), roles: ['stytch_admin'] });
  assert.equal(member.is_admin, true);
  assert.deepEqual(member.roles, [
    { role_id: 'stytch_member', sources: [{ type: 'direct_assignment', details: {} }] },
    {
      role_id: 'stytch_admin',
      sources: [
        { type: 'direct_assignment', details: {} },
        { type: 'email_assignment', details: { email_domain: 'acme.example' } },
      ],
    },
  ]);
  await members.update({ ...idsOf(member), roles: [] });
  const { organization_id } = organization;
  await stytch.organizations.update({ organization_id, rbac_email_implicit_role_assignments: [] });
  assert.equal((await members.get(idsOf(member))).member.is_admin, false);
});

test('policies that break a rule are refused by its name and change nothing', async () => {
  const organization = await createOrganization();
  const kept = role('clerk', 'stytch.member', ['search']);
  await setRoles(organization, kept);
  for (const [roles, errorType] of [
    [[role('', 'stytch.member', ['search'])], 'empty_rbac_role_id'],
    [[role('a b', 'stytch.member', ['search'])], 'invalid_rbac_role_id'],
    [[kept, kept], 'rbac_role_duplicate'],
    [[role('stytch_admin', 'stytch.member', ['search'])], 'rbac_org_custom_roles_only'],
    [[role('a', 'ghost', ['search'])], 'invalid_permission_resource'],
    [[role('a', 'stytch.member', ['fly'])], 'invalid_permission_action'],
    [[role('a', 'stytch.member', [])], 'rbac_permission_missing_actions'],
    [[role('a', 'stytch.member', ['*', 'search'])], 'cannot_specify_wildcard_with_other_actions'],
  ]) {
    await refuses(setRoles(organization, ...roles), 400, errorType);
  }
  const { organization_id } = organization;
  assert.deepEqual((await stytch.rbac.organizations.getOrgPolicy({ organization_id })).org_policy, { roles: [kept] });
});

test('the SDK decides as the server does, whatever the policy', async () => {
  // A small generator with a fixed seed, so that a failure can be repeated.
  let seed = 20_251;
  const below = (limit) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % limit;
  };
  const pick = (list) => list[below(list.length)];
  const some = (list) => list.filter(() => below(3) === 0);
  const { policy } = await stytch.rbac.policy();
  const outcomes = { granted: 0, refused: 0 };

  for (let round = 0; round < 6; round += 1) {
    const organization = await createOrganization();
    const { organization_id } = organization;
    const roles = Array.from({ length: 5 }, (_, number) => ({
      role_id: `role-${number}`,
      description: '',
      permissions: policy.resources
        .filter((_, index) => index === number || below(2) === 0)
        .map(({ resource_id, actions }) => ({
          resource_id,
          actions: below(4) === 0 ? ['*'] : [...new Set([pick(actions), ...some(actions)])],
        })),
    }));
    await setRoles(organization, ...roles);
    const member = await createMember(organization, { roles: some([...roles.map(({ role_id }) => role_id), 'stytch_admin']) });
    const { session_jwt, session_token } = await signIn(organization, member);
    // A client of its own, since the SDK keeps policies for minutes.
    const local = sdk(server);
    for (let number = 0; number < 25; number += 1) {
      const { resource_id, actions } = pick(policy.resources);
      const authorization_check = {
        organization_id,
        resource_id: below(10) === 0 ? 'nothing' : resource_id,
        action: pick([...actions, '*', 'unlisted']),
      };
      const remotely = await stytch.sessions.authenticate({ session_token, authorization_check }).then(
        ({ verdict }) => verdict.authorized,
        ({ error_type }) => (error_type === 'session_authorization_error' ? false : error_type),
      );
      const locally = await local.sessions.authenticateJwtLocal({ session_jwt, authorization_check }).then(
        () => true,
        ({ code }) => (code === 'invalid_permissions' ? false : code),
      );
      assert.equal(locally, remotely, JSON.stringify({ authorization_check, roles, held: member.roles }));
      outcomes[remotely ? 'granted' : 'refused'] += 1;
    }
  }
  assert.ok(outcomes.granted > 20 && outcomes.refused > 20, JSON.stringify(outcomes));
});
