// Machine-to-machine clients: managed by a backend, used by machines, and their tokens checked without a call.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { actorsOf, refuses, sdk } from '../lib/actors.mjs';
import { startServer, unique } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, signedIn } = actorsOf(server);
const { clients } = stytch.m2m;
const tokenUrl = `${server.apiUrl}/v1/public/${server.projectId}/oauth2/token`;

const create = async (fields = {}) =>
  (await clients.create({ client_name: 'Nightly export', scopes: ['read:notes', 'write:notes'], ...fields })).m2m_client;
const ask = ({ client_id, client_secret }, scopes) => stytch.m2m.token({ client_id, client_secret, scopes });
const check = (access_token, options = {}) => stytch.m2m.authenticateToken({ access_token, ...options });

/** Asserts that a token does not pass the local check. */
async function fails(call, code) {
  await assert.rejects(call, (error) => {
    assert.equal(error.code, code, `${error}`);
    return true;
  });
}

test('a client lives from its creation to its deletion', async () => {
  const created = await create({ client_description: 'Exports', trusted_metadata: { organization_id: 'acme' } });
  const { client_id, client_secret } = created;
  assert.equal(created.client_secret_last_four, client_secret.slice(-4));

  const { access_token, expires_in, token_type } = await ask(created);
  assert.deepEqual([expires_in, token_type], [3600, 'bearer']);
  const identity = await check(access_token, { required_scopes: ['read:notes', 'write:notes'] });
  assert.deepEqual(identity, { client_id, scopes: ['read:notes', 'write:notes'], custom_claims: {} });

  const { m2m_client: started } = await clients.secrets.rotateStart({ client_id });
  const next = { client_id, client_secret: started.next_client_secret };
  await check((await ask(created)).access_token);
  await check((await ask(next)).access_token);
  await refuses(clients.secrets.rotateStart({ client_id }), 400, 'm2m_client_already_rotating_secret');
  const { m2m_client: rotated } = await clients.secrets.rotate({ client_id });
  assert.equal(rotated.client_secret_last_four, next.client_secret.slice(-4));
  await refuses(ask(created), 401, 'invalid_client');
  await ask(next);
  await clients.secrets.rotateStart({ client_id });
  await clients.secrets.rotateCancel({ client_id });
  await refuses(clients.secrets.rotateCancel({ client_id }), 400, 'm2m_client_not_rotating_secret');
  await ask(next);

  await clients.update({ client_id, status: 'inactive', client_name: 'Stopped' });
  await refuses(ask(next), 401, 'invalid_client');
  await check(access_token); // a token that was issued stays good to its end
  const { m2m_client: stopped } = await clients.get({ client_id });
  assert.deepEqual([stopped.status, stopped.client_name, stopped.trusted_metadata], ['inactive', 'Stopped', { organization_id: 'acme' }]);
  assert.equal(stopped.client_secret, undefined);
  assert.equal((await clients.delete({ client_id })).client_id, client_id);
  await refuses(clients.get({ client_id }), 404, 'm2m_client_not_found');
});

test('scopes are asked for, granted and required', async () => {
  const client = await create({ scopes: ['read:notes', 'read:*', 'admin'] });
  const reader = await ask(client, ['read:notes']);
  assert.deepEqual((await check(reader.access_token)).scopes, ['read:notes']);
  await fails(check(reader.access_token, { required_scopes: ['read:notes', 'admin'] }), 'missing_scopes');
  const broad = await ask(client, ['read:*', 'admin']);
  await check(broad.access_token, { required_scopes: ['read:anything', 'admin'] });
  await fails(check(broad.access_token, { required_scopes: ['write:anything'] }), 'missing_scopes');
  await refuses(ask(client, ['delete:notes']), 400, 'invalid_scope');
  const everything = await ask(client, []);
  assert.deepEqual((await check(everything.access_token)).scopes, ['read:notes', 'read:*', 'admin']);
  const none = await create({ scopes: [] });
  await check((await ask(none)).access_token);
});

test('a token is too old when the verifier says so', async () => {
  const { access_token } = await ask(await create());
  await fails(check(access_token, { max_token_age_seconds: 0 }), 'jwt_too_old');
  await check(access_token, { max_token_age_seconds: 60 });
});

test('forged tokens and those of another project do not pass', async () => {
  const { access_token } = await ask(await create());
  const [header, payload, signature] = access_token.split('.');
  const claims = decodeJwt(access_token);
  const { kid } = JSON.parse(Buffer.from(header, 'base64url'));
  const { privateKey } = await generateKeyPair('RS256');
  const grown = Buffer.from(JSON.stringify({ ...claims, scope: 'admin' })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT', kid })).toString('base64url');
  const forged = [
    await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(privateKey),
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid }).sign(Buffer.from(tokenUrl)),
    [header, grown, signature].join('.'),
    [none, payload, ''].join('.'),
    [header, payload, `${signature.slice(0, -6)}AAAAAA`].join('.'),
  ];
  for (const token of forged) await fails(check(token), 'jwt_invalid');
  const other = sdk(server, { project_id: 'project-test-00000000-0000-4000-8000-000000000000' });
  await fails(other.m2m.authenticateToken({ access_token }), 'jwt_invalid');
  // The session of a member is no token of a machine: it has no scope, and the SDK trips over that.
  const { session_jwt } = await signedIn();
  await assert.rejects(check(session_jwt));
});

test('a neutral verifier accepts the token with the published keys', async () => {
  const client = await create();
  const { access_token } = await ask(client);
  const keys = createRemoteJWKSet(new URL(`${server.apiUrl}/v1/b2b/sessions/jwks/${server.projectId}`));
  const { payload } = await jwtVerify(access_token, keys, {
    issuer: `stytch.com/${server.projectId}`,
    audience: server.projectId,
    algorithms: ['RS256'],
    typ: 'JWT',
    requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti', 'scope'],
  });
  assert.equal(payload.sub, client.client_id);
});

test('a neutral OAuth client gets, loses and asks about tokens', async () => {
  const { client_id, client_secret } = await create();
  const as = { issuer: `stytch.com/${server.projectId}`, token_endpoint: tokenUrl, introspection_endpoint: tokenUrl.replace(/token$/, 'introspect') };
  const client = { client_id };
  const plainHttp = { [oauth.allowInsecureRequests]: true };
  const grant = async (authentication, parameters = {}) => {
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, new URLSearchParams(parameters), plainHttp);
    return oauth.processClientCredentialsResponse(as, client, answer);
  };
  for (const authenticate of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const granted = await grant(authenticate(client_secret), { scope: 'read:notes' });
    assert.deepEqual([granted.scope, granted.token_type, granted.expires_in], ['read:notes', 'bearer', 3600]);
    const asked = await oauth.introspectionRequest(as, client, authenticate(client_secret), granted.access_token, plainHttp);
    const told = await oauth.processIntrospectionResponse(as, client, asked);
    assert.deepEqual([told.active, told.client_id, told.scope], [true, client_id, 'read:notes']);
  }
  await assert.rejects(grant(oauth.ClientSecretPost('wrong')), (error) => {
    assert.ok(error instanceof oauth.ResponseBodyError);
    assert.deepEqual([error.status, error.error], [401, 'invalid_client']);
    return true;
  });
  await assert.rejects(grant(oauth.ClientSecretBasic('wrong')), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, `${error}`);
    assert.equal(error.cause[0].scheme, 'basic');
    return true;
  });
  await assert.rejects(grant(oauth.ClientSecretPost(client_secret), { scope: 'delete:notes' }), { error: 'invalid_scope' });
});

test('clients are searched by id, name and scope', async () => {
  const scope = unique('scope');
  const made = await Promise.all([1, 2, 3].map(() => create({ client_name: unique('Export'), scopes: [scope] })));
  const ids = made.map((client) => client.client_id).sort();
  const search = async (operands, operator = 'AND') =>
    (await clients.search({ query: { operator, operands } })).m2m_clients.map((client) => client.client_id).sort();
  assert.deepEqual(await search([{ filter_name: 'scopes', filter_value: [scope] }]), ids);
  assert.deepEqual(await search([{ filter_name: 'client_id', filter_value: ids.slice(0, 2) }]), ids.slice(0, 2));
  const [{ client_id, client_name }] = made;
  assert.deepEqual(await search([{ filter_name: 'client_name', filter_value: [client_name] }]), [client_id]);
  const page = await clients.search({ limit: 2, query: { operator: 'AND', operands: [{ filter_name: 'scopes', filter_value: [scope] }] } });
  assert.deepEqual([page.m2m_clients.length, page.results_metadata.total], [2, 3]);
  await refuses(search([{ filter_name: 'status', filter_value: ['active'] }]), 400, 'm2m_search_filter_name_not_recognized');
});

test('a client of another system keeps its id and secret', async () => {
  const client_id = unique('3MVG9lKcPoNINVBIPJjdw1J9LLM82HnF');
  const client_secret = 'ldW6YGB-7oKRPEnm0sqTVWHkwDPQjrmBkcO2_2DiCV5PyRzTkfxCJ-5fq3i1HrzU';
  const client = await create({ client_id, client_secret });
  assert.deepEqual([client.client_id, client.client_secret], [client_id, client_secret]);
  assert.equal((await check((await ask(client)).access_token)).client_id, client_id);
  await refuses(create({ client_id }), 400, 'duplicate_m2m_client_id');
  await refuses(create({ client_secret: 'password' }), 400, 'insecure_m2m_client_secret');
});

test('a project counts its clients', async () => {
  const count = async () => {
    const { metrics, project_id } = await stytch.project.metrics();
    assert.equal(project_id, server.projectId);
    return metrics.find((metric) => metric.metric_type === 'M2M_CLIENT_COUNT').count;
  };
  const before = await count();
  await create();
  assert.equal(await count(), before + 1);
});
