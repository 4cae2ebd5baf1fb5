import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ClientError, StytchError } from 'stytch';
import { actorsOf, refuses, sdk } from '../lib/actors.mjs';
import { startServer } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, signIn, signedIn } = actorsOf(server);
const { sessions } = stytch;

const minutesUntil = (time) => Math.round((Date.parse(time) - Date.now()) / 60_000);

/** The client of an application that cannot reach the server, except for the keys it has already fetched. */
function countingSdk() {
  const calls = [];
  const client = sdk(server);
  const { authenticate } = client.sessions;
  client.sessions.authenticate = (data) => {
    calls.push(data);
    return authenticate.call(client.sessions, data);
  };
  return { sessions: client.sessions, calls };
}

test('a session is authenticated by token and by JWT', async () => {
  const auth = await signedIn();
  for (const by of [{ session_token: auth.session_token }, { session_jwt: auth.session_jwt }]) {
    const response = await sessions.authenticate(by);
    assert.equal(response.status_code, 200);
    assert.equal(response.session_token, auth.session_token);
    assert.equal(response.session_jwt.split('.').length, 3);
    assert.deepEqual(response.member, auth.member);
    assert.deepEqual(response.organization, auth.organization);
    const { last_accessed_at, ...session } = response.member_session;
    const { last_accessed_at: before, ...original } = auth.member_session;
    assert.deepEqual(session, original);
    assert.ok(Date.parse(last_accessed_at) >= Date.parse(before));
  }
});

test('bad arguments are told apart', async () => {
  const { session_token, session_jwt } = await signedIn();
  await refuses(sessions.authenticate({}), 400, 'no_session_arguments');
  await refuses(sessions.authenticate({ session_token, session_jwt }), 400, 'too_many_session_arguments');
  await refuses(sessions.authenticate({ session_token: 'x'.repeat(44) }), 404, 'session_not_found');
  await refuses(sessions.authenticate({ session_jwt: 'not-a-jwt' }), 400, 'unable_to_parse_session_jwt');

  const [header, payload, signature] = session_jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const forge = (changes) => Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  for (const forged of [`${header}.${forge({ sub: 'member-test-someone' })}.${signature}`, `${none}.${payload}.`]) {
    await refuses(sessions.authenticate({ session_jwt: forged }), 400, 'unable_to_parse_session_jwt');
  }
});

test('a duration extends or shortens, and its absence changes nothing', async () => {
  const { session_token, member_session } = await signedIn({ session_duration_minutes: 120 });
  assert.equal(minutesUntil(member_session.expires_at), 120);
  const expiryAfter = async (fields) => (await sessions.authenticate({ session_token, ...fields })).member_session.expires_at;

  assert.equal(minutesUntil(await expiryAfter({ session_duration_minutes: 527_040 })), 527_040);
  assert.equal(minutesUntil(await expiryAfter({ session_duration_minutes: 5 })), 5);
  assert.equal(await expiryAfter({}), await expiryAfter({}));
  for (const session_duration_minutes of [4, 527_041, -1, 0]) {
    await refuses(expiryAfter({ session_duration_minutes }), 400, 'invalid_session_duration_minutes');
  }
});

test('custom claims merge, null deletes, and reserved names are kept out', async () => {
  const { session_token } = await signedIn({ session_custom_claims: { plan: 'gold', seats: { max: 5 } } });
  const authenticate = (session_custom_claims) => sessions.authenticate({ session_token, session_custom_claims });

  const { member_session, session_jwt } = await authenticate({ plan: null, region: 'eu', iss: 'evil', sub: 'evil', exp: 1 });
  assert.deepEqual(member_session.custom_claims, { seats: { max: 5 }, region: 'eu' });
  const local = await sessions.authenticateJwtLocal({ session_jwt });
  assert.deepEqual(local.custom_claims, { seats: { max: 5 }, region: 'eu' });

  await refuses(authenticate({ 'https://stytch.com/session': {} }), 400, 'stytch_claims_in_custom_claims');
  await refuses(authenticate({ long: 'x'.repeat(5000) }), 400, 'custom_claims_too_large');
  assert.deepEqual((await authenticate(undefined)).member_session.custom_claims, { seats: { max: 5 }, region: 'eu' });
});

test('get lists the sessions that are alive', async () => {
  const organization = await createOrganization();
  const member = await createMember(organization);
  const { organization_id } = organization;
  const { member_id } = member;
  const list = async () =>
    (await sessions.get({ organization_id, member_id })).member_sessions.map(({ member_session_id }) => member_session_id);
  assert.deepEqual(await list(), []);

  const first = (await signIn(organization, member)).member_session.member_session_id;
  const second = (await signIn(organization, member)).member_session.member_session_id;
  assert.deepEqual((await list()).toSorted(), [first, second].toSorted());
  await sessions.revoke({ member_session_id: first });
  assert.deepEqual(await list(), [second]);

  const stranger = await createOrganization();
  await refuses(sessions.get({ organization_id: stranger.organization_id, member_id }), 404, 'member_not_found');
});

test('a session is revoked by each of its names, at once', async () => {
  for (const name of ['member_session_id', 'session_token', 'session_jwt', 'member_id']) {
    const { session_token, session_jwt, member_session, member } = await signedIn();
    const names = { session_token, session_jwt, member_session_id: member_session.member_session_id, member_id: member.member_id };
    const revoke = () => sessions.revoke({ [name]: names[name] });

    assert.equal((await revoke()).status_code, 200);
    await refuses(sessions.authenticate({ session_token }), 404, 'session_not_found');
    await refuses(sessions.authenticate({ session_jwt }), 404, 'session_not_found');
    assert.equal((await revoke()).status_code, 200, 'revoking again is no error');
  }
});

test('revoking by member ends all of its sessions and nobody else’s', async () => {
  const organization = await createOrganization();
  const [ada, grace] = [await createMember(organization), await createMember(organization)];
  const adas = [await signIn(organization, ada), await signIn(organization, ada)];
  const graces = await signIn(organization, grace);
  await sessions.revoke({ member_id: ada.member_id });
  for (const { session_token } of adas) await refuses(sessions.authenticate({ session_token }), 404, 'session_not_found');
  await sessions.authenticate({ session_token: graces.session_token });
});

test('revoke takes exactly one argument', async () => {
  const { session_token, member } = await signedIn();
  await refuses(sessions.revoke({}), 400, 'no_session_revoke_arguments');
  await refuses(sessions.revoke({ session_token, member_id: member.member_id }), 400, 'too_many_session_revoke_arguments');
  await sessions.authenticate({ session_token });
});

test('the public keys are there for everyone, in a form that typed clients read', async () => {
  const response = await fetch(`${server.apiUrl}/v1/b2b/sessions/jwks/${server.projectId}`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'public, max-age=900');
  const { keys, request_id, status_code } = await response.json();
  assert.equal(status_code, 200);
  assert.ok(request_id);
  assert.ok(keys.length >= 1);
  for (const key of keys) {
    assert.deepEqual([key.kty, key.use, key.alg, key.key_ops], ['RSA', 'sig', 'RS256', ['verify']]);
    for (const name of ['kid', 'n', 'e', 'x5tS256', 'x5t#S256']) assert.equal(typeof key[name], 'string', name);
    assert.ok(Array.isArray(key.x5c));
    assert.equal(key.d, undefined, 'no private part');
  }
  const viaSdk = await sessions.getJWKS({ project_id: server.projectId });
  assert.deepEqual(viaSdk.keys, keys);
  assert.equal((await fetch(`${server.apiUrl}/v1/b2b/sessions/jwks/project-test-none`)).status, 404);
});

test('a JWT has the claims that every official SDK accepts', async () => {
  const { session_jwt, member, organization, member_session } = await signedIn();
  const [header, payload] = session_jwt.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  assert.equal(header.alg, 'RS256');
  assert.equal(header.typ, 'JWT');
  assert.ok(header.kid);
  assert.equal(payload.iss, `stytch.com/${server.projectId}`);
  assert.deepEqual(payload.aud, [server.projectId]);
  assert.equal(payload.sub, member.member_id);
  assert.equal(payload.nbf, payload.iat);
  assert.equal(payload.exp, payload.iat + 300);
  assert.ok(Number.isInteger(payload.iat) && payload.iat <= Date.now() / 1000);
  assert.deepEqual(payload['https://stytch.com/organization'], {
    organization_id: organization.organization_id,
    slug: organization.organization_slug,
  });
  const claim = payload['https://stytch.com/session'];
  assert.equal(claim.id, member_session.member_session_id);
  assert.deepEqual(claim.roles, member_session.roles);
  assert.deepEqual(claim.authentication_factors, member_session.authentication_factors);
});

test('a fresh JWT is verified without a call, even when the session is revoked meanwhile', async () => {
  const { session_jwt, member_session, session_token } = await signedIn();
  const app = countingSdk();

  const { expires_at, ...session } = await app.sessions.authenticateJwtLocal({ session_jwt });
  assert.equal(Date.parse(expires_at), Date.parse(member_session.expires_at));
  for (const [key, value] of Object.entries(session)) assert.deepEqual(value, member_session[key], key);

  await sessions.revoke({ session_token });
  assert.equal((await app.sessions.authenticateJwt({ session_jwt })).member_session.member_session_id, member_session.member_session_id);
  assert.deepEqual(app.calls, []);

  // Zero asks the server, which knows better.
  await refuses(app.sessions.authenticateJwt({ session_jwt, max_token_age_seconds: 0 }), 404, 'session_not_found');
  assert.equal(app.calls.length, 1);
});

test('a JWT of the past falls back to the server, which renews it', async () => {
  const { session_jwt, session_token, member_session } = await signedIn();
  const app = countingSdk();
  const current_date = new Date(Date.now() + 6 * 60_000);

  await assert.rejects(app.sessions.authenticateJwtLocal({ session_jwt, current_date }), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.code, 'jwt_invalid');
    return true;
  });
  const renewed = await app.sessions.authenticateJwt({ session_jwt, current_date });
  assert.equal(app.calls.length, 1);
  assert.equal(renewed.member_session.member_session_id, member_session.member_session_id);
  await app.sessions.authenticateJwtLocal({ session_jwt: renewed.session_jwt });

  await sessions.revoke({ session_token });
  await refuses(app.sessions.authenticateJwt({ session_jwt, current_date }), 404, 'session_not_found');
});

test('a JWT older than the caller accepts is put to the server', async () => {
  const { session_jwt } = await signedIn();
  const current_date = new Date(Date.now() + 60_000);
  const tooOld = { session_jwt, max_token_age_seconds: 30, current_date };
  await assert.rejects(sessions.authenticateJwtLocal(tooOld), (error) => error.code === 'jwt_too_old');
  const app = countingSdk();
  await app.sessions.authenticateJwt(tooOld);
  assert.equal(app.calls.length, 1);
});

test('a wrong secret is unauthorized everywhere', async () => {
  const { session_token, organization } = await signedIn();
  const { organization_id } = organization;
  for (const overrides of [
    { secret: 'secret-test-wrong' },
    { secret: server.publicToken },
    { project_id: 'project-test-00000000-0000-4000-8000-000000000000' },
    { project_id: server.publicToken, secret: server.publicToken },
  ]) {
    const stranger = sdk(server, overrides);
    for (const call of [
      () => stranger.sessions.authenticate({ session_token }),
      () => stranger.organizations.get({ organization_id }),
      () => stranger.organizations.delete({ organization_id }),
    ]) {
      await assert.rejects(call(), (error) => error instanceof StytchError && error.status_code === 401);
    }
  }
  await refuses(sdk(server, { secret: 'secret-test-wrong' }).organizations.search({}), 401, 'unauthorized_credentials');
  await stytch.organizations.get({ organization_id });
});
