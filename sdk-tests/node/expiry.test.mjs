// What time does. These tests move the server's clock, so they have a server of their own. The SDK's clock stays: a
// JWT made after the first move is of the future to it, so local checks come first.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, refuses } from '../lib/actors.mjs';
import { startServer, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
after(() => server.stop());
const { stytch, createOrganization, createMember, sendMagicLink, sendCode, sendDiscoveryCode, discover, signedIn } =
  actorsOf(server);
const minutes = (n) => n * 60;

test('a JWT outlives its five minutes only through the server', async () => {
  const { session_jwt, member_session } = await signedIn();
  await stytch.sessions.authenticateJwtLocal({ session_jwt });

  await server.clock.advance(minutes(6));
  const current_date = new Date(Date.now() + 6 * 60_000);
  const renewed = await stytch.sessions.authenticateJwt({ session_jwt, current_date });
  assert.equal(renewed.member_session.member_session_id, member_session.member_session_id);
  assert.notEqual(renewed.session_jwt, session_jwt);
  await stytch.sessions.authenticateJwtLocal({ session_jwt: renewed.session_jwt, current_date });

  // Once the session itself is over, neither JWT opens anything.
  await server.clock.advance(minutes(55));
  const later = new Date(Date.now() + 61 * 60_000);
  for (const jwt of [session_jwt, renewed.session_jwt]) {
    await refuses(stytch.sessions.authenticateJwt({ session_jwt: jwt, current_date: later }), 404, 'session_not_found');
  }
});

test('a session ends when its duration is over, and extends from the time of the call', async () => {
  const { session_token, member } = await signedIn({ session_duration_minutes: 30 });
  await server.clock.advance(minutes(29));
  await stytch.sessions.authenticate({ session_token, session_duration_minutes: 30 });
  await server.clock.advance(minutes(29));
  await stytch.sessions.authenticate({ session_token });
  await server.clock.advance(minutes(1));
  await refuses(stytch.sessions.authenticate({ session_token }), 404, 'session_not_found');
  const { organization_id, member_id } = member;
  assert.deepEqual((await stytch.sessions.get({ organization_id, member_id })).member_sessions, []);
});

test('a login link lives for an hour, or as long as it was told', async () => {
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const authenticate = (magic_links_token) => stytch.magicLinks.authenticate({ magic_links_token });
  const [used, unused] = [await sendMagicLink(organization, email_address), await sendMagicLink(organization, email_address)];
  const short = await sendMagicLink(organization, email_address, { login_expiration_minutes: 5 });

  await server.clock.advance(minutes(5));
  await refuses(authenticate(short), 401, 'unable_to_auth_magic_link');
  await server.clock.advance(minutes(54));
  await authenticate(used);
  await server.clock.advance(minutes(1));
  await refuses(authenticate(unused), 401, 'unable_to_auth_magic_link');
});

test('a code lives for ten minutes, or as long as it was told; expired is not wrong', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const member = async (options) => {
    const { email_address } = await createMember(organization);
    const code = await sendCode(organization, email_address, options);
    return () => stytch.otps.email.authenticate({ organization_id, email_address, code });
  };
  const [inTime, late, short] = [await member(), await member(), await member({ login_expiration_minutes: 2 })];

  await server.clock.advance(minutes(2));
  await refuses(short(), 401, 'unable_to_auth_otp_code');
  await server.clock.advance(minutes(7));
  await inTime();
  await server.clock.advance(minutes(1));
  await refuses(late(), 401, 'unable_to_auth_otp_code');
});

test('a discovery code and what it proves live for ten minutes each', async () => {
  const email_address = uniqueEmail();
  const code = await sendDiscoveryCode(email_address);
  const { intermediate_session_token } = await discover(uniqueEmail());
  const list = () => stytch.discovery.organizations.list({ intermediate_session_token });

  await server.clock.advance(minutes(9));
  await list();
  await server.clock.advance(minutes(1));
  await refuses(list(), 404, 'intermediate_session_not_found');
  await refuses(stytch.discovery.organizations.create({ intermediate_session_token }), 404, 'intermediate_session_not_found');
  await refuses(stytch.otps.email.discovery.authenticate({ email_address, code }), 401, 'unable_to_auth_otp_code');
});

test('an invitation lives for a week', async () => {
  const organization = await createOrganization();
  const { organization_id } = organization;
  const [early, late] = [uniqueEmail(), uniqueEmail()];
  const token = async (email_address) => {
    await stytch.magicLinks.email.invite({ organization_id, email_address });
    const { links } = await server.inbox.lastFor(email_address);
    return links.map((link) => new URL(link).searchParams.get('token')).find(Boolean);
  };
  const [first, second] = [await token(early), await token(late)];
  await server.clock.advance(minutes(10_079));
  await stytch.magicLinks.authenticate({ magic_links_token: first });
  await server.clock.advance(minutes(1));
  await refuses(stytch.magicLinks.authenticate({ magic_links_token: second }), 401, 'unable_to_auth_magic_link');
});
