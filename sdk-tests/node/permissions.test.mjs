import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { startServer, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, signIn } = actorsOf(server);

/** One organization with a signed-in administrator and a signed-in member without further roles. */
async function team() {
  const organization = await createOrganization();
  const signed = async (fields) => signIn(organization, await createMember(organization, fields));
  return { organization, admin: await signed({ roles: ['stytch_admin'] }), member: await signed({}) };
}

const actingAs = ({ session_token }) => ({ authorization: { session_token } });

test('an authorization check is answered for the session’s roles', async () => {
  const { organization, admin, member } = await team();
  const { organization_id } = organization;
  const check = { organization_id, resource_id: 'stytch.member', action: 'create' };
  const authenticate = ({ session_token }, fields) =>
    stytch.sessions.authenticate({ session_token, authorization_check: { ...check, ...fields } });

  const { verdict } = await authenticate(admin);
  assert.deepEqual(verdict, { authorized: true, granting_roles: ['stytch_admin'] });
  await refuses(authenticate(member), 403, 'session_authorization_error');
  const elsewhere = { organization_id: (await createOrganization()).organization_id };
  await refuses(authenticate(admin, elsewhere), 403, 'session_authorization_tenancy_error');
});

test('the SDK checks permissions itself, with the policy it fetches', async () => {
  const { organization, admin, member } = await team();
  const { organization_id } = organization;
  const authorization_check = { organization_id, resource_id: 'stytch.member', action: 'create' };
  const local = ({ session_jwt }) => stytch.sessions.authenticateJwtLocal({ session_jwt, authorization_check });

  assert.equal((await local(admin)).member_id, admin.member_id);
  await assert.rejects(local(member), ({ code }) => code === 'invalid_permissions');
  const { session_jwt } = member;
  await refuses(stytch.sessions.authenticateJwt({ session_jwt, authorization_check }), 403, 'session_authorization_error');

  const { policy } = await stytch.rbac.policy();
  assert.deepEqual(policy.roles.map(({ role_id }) => role_id).sort(), ['stytch_admin', 'stytch_member']);
});

test('a call on behalf of a member has that member’s permissions', async () => {
  const { organization, admin, member } = await team();
  const { organization_id } = organization;
  const { members } = stytch.organizations;
  const create = (actor) => members.create({ organization_id, email_address: uniqueEmail() }, actingAs(actor));
  const rename = (actor, { member_id }) => members.update({ organization_id, member_id, name: 'New' }, actingAs(actor));

  await create(admin);
  await refuses(create(member), 403, 'session_authorization_error');
  await rename(member, member);
  await rename(admin, member);
  await refuses(rename(member, admin), 403, 'session_authorization_error');
  const invite = { organization_id, email_address: uniqueEmail() };
  await refuses(stytch.magicLinks.email.invite(invite, actingAs(member)), 403, 'session_authorization_error');
  await refuses(members.search({ organization_ids: [organization_id] }, actingAs(member)), 403, 'session_authorization_error');
  await refuses(stytch.organizations.delete({ organization_id }, actingAs(member)), 403, 'session_authorization_error');
  await refuses(stytch.sessions.revoke({ member_id: admin.member_id }, actingAs(member)), 403, 'session_authorization_error');
  await stytch.sessions.authenticate({ session_token: admin.session_token });
});

test('a call on behalf of a member stays in that member’s organization', async () => {
  const { admin } = await team();
  const { organization, member } = await team();
  const { organization_id } = organization;
  const { members } = stytch.organizations;
  const tenancy = [403, 'session_authorization_tenancy_error'];
  await refuses(members.create({ organization_id, email_address: uniqueEmail() }, actingAs(admin)), ...tenancy);
  await refuses(members.delete({ organization_id, member_id: member.member_id }, actingAs(admin)), ...tenancy);
  await refuses(stytch.organizations.update({ organization_id, organization_name: 'Mine' }, actingAs(admin)), ...tenancy);
  await stytch.sessions.authenticate({ session_token: member.session_token });
});

test('a call on behalf of a session that has ended is refused', async () => {
  const { organization, admin } = await team();
  const { organization_id } = organization;
  await stytch.sessions.revoke({ session_token: admin.session_token });
  const create = stytch.organizations.members.create({ organization_id, email_address: uniqueEmail() }, actingAs(admin));
  await refuses(create, 404, 'session_not_found');
});

test('trusted metadata is out of reach of members, administrators included', async () => {
  const { organization, admin } = await team();
  const { organization_id } = organization;
  const update = stytch.organizations.update({ organization_id, trusted_metadata: { plan: 'gold' } }, actingAs(admin));
  await refuses(update, 401, 'cannot_update_trusted_metadata');
});
