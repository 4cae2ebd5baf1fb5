import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses, sdk } from '../lib/actors.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer({ settings: { user_impersonation_enabled: true } });
after(() => server.stop());
const { stytch, signedIn } = actorsOf(server);

/** A call of an operator, as a support tool would make it. */
async function operate(path, body) {
  const { management_key_id, management_key_secret } = server.credentials;
  const response = await fetch(`${server.apiUrl}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Basic ${Buffer.from(`${management_key_id}:${management_key_secret}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer;
}

const [{ project_slug }] = (await operate('/pwa/v3/projects')).projects;
const environment = `/admin/v1/projects/${project_slug}/environments/test`;
const tokenFor = (member_id) =>
  operate(`${environment}/members/${member_id}/impersonation_tokens`, {
    impersonator_email: 'grace@ostiary.example',
    reason: 'Ticket 4711',
  });

test('an impersonated session shows itself by call and by local verification', async () => {
  const ada = await signedIn();
  const { token, url } = await tokenFor(ada.member_id);
  assert.equal(new URL(url).searchParams.get('stytch_token_type'), 'multi_tenant_impersonation');
  assert.equal(new URL(url).searchParams.get('token'), token);

  const login = await stytch.impersonation.authenticate({ impersonation_token: token });
  assert.equal(login.member_authenticated, true);
  assert.equal(login.intermediate_session_token, '');
  assert.equal(login.member_id, ada.member_id);
  const impersonator = {
    impersonator_id: server.credentials.management_key_id,
    impersonator_email_address: 'grace@ostiary.example',
  };
  const { session_jwt, session_token } = login;
  const checked = await stytch.sessions.authenticate({ session_token });
  const local = await sdk(server).sessions.authenticateJwtLocal({ session_jwt });
  for (const session of [login.member_session, checked.member_session, local]) {
    const [factor] = session.authentication_factors;
    assert.equal(`${factor.type} ${factor.delivery_method}`, 'impersonated impersonation');
    assert.deepEqual(factor.impersonated_factor, impersonator);
  }
  assert.deepEqual(local.custom_claims.act, {
    sub: impersonator.impersonator_id,
    email: impersonator.impersonator_email_address,
  });
  assert.equal(Math.round((Date.parse(login.member_session.expires_at) - Date.now()) / 60_000), 60);

  await refuses(stytch.impersonation.authenticate({ impersonation_token: token }), 401, 'unable_to_auth_impersonation_token');
  await refuses(stytch.sessions.authenticate({ session_token, session_duration_minutes: 90 }), 400, 'session_not_mutable');
  const { impersonations } = await operate(`${environment}/impersonations`);
  assert.equal(impersonations[0].member_session_id, login.member_session.member_session_id);

  await stytch.sessions.revoke({ session_token });
  await refuses(stytch.sessions.authenticate({ session_token }), 404, 'session_not_found');
  assert.ok(await stytch.sessions.authenticate({ session_token: ada.session_token }), "the member's own session goes on");
});
