// What the suites say often, in words of the domain, on top of the unmodified Node SDK.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { B2BClient, StytchError } from 'stytch';
import { unique, uniqueEmail } from './server.mjs';

/** Any loopback URL is an allowed redirect under `ostiary dev`. */
export const redirectUrl = 'http://localhost:3000/authenticate';

/** The SDK pointed at the server, as an application would. */
export function sdk(server, overrides = {}) {
  return new B2BClient({
    project_id: server.projectId,
    secret: server.secret,
    env: server.apiUrl,
    fraud_env: server.apiUrl,
    ...overrides,
  });
}

/** Asserts that the server refuses with exactly this status and type, in a complete error body. */
export async function refuses(call, status, errorType) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof StytchError, `expected a StytchError, got ${error}`);
    assert.equal(`${error.status_code} ${error.error_type}`, `${status} ${errorType}`);
    assert.match(error.request_id, /^request-id-test-[0-9a-f-]{36}$/);
    assert.ok(error.error_message.length > 0);
    assert.doesNotThrow(() => new URL(error.error_url));
    return true;
  });
}

/** The one-time token inside the link of a mail. */
export function tokenIn(message) {
  const token = new URL(linkIn(message)).searchParams.get('token');
  assert.ok(token, `the mail's link has a token: ${linkIn(message)}`);
  return token;
}

/** The link of a mail that signs in. */
export function linkIn(message) {
  const link = message.links.find((href) => new URL(href).searchParams.has('token'));
  assert.ok(link, `the mail has a sign-in link: ${JSON.stringify(message.links)}`);
  return link;
}

/** A PKCE pair as the browser SDK makes it. */
export function pkce() {
  const verifier = randomBytes(48).toString('hex');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Actors of one server. */
export function actorsOf(server) {
  const stytch = sdk(server);

  async function createOrganization(settings = {}) {
    const { organization } = await stytch.organizations.create({
      organization_name: unique('Organization'),
      organization_slug: unique('org'),
      ...settings,
    });
    return organization;
  }

  async function createMember(organization, fields = {}) {
    const { member } = await stytch.organizations.members.create({
      organization_id: organization.organization_id,
      email_address: uniqueEmail(),
      ...fields,
    });
    return member;
  }

  /** Sends a login link to a member and returns its token. */
  async function sendMagicLink(organization, email, options = {}) {
    const { length } = await server.inbox.messagesFor(email);
    await stytch.magicLinks.email.loginOrSignup({
      organization_id: organization.organization_id,
      email_address: email,
      login_redirect_url: redirectUrl,
      signup_redirect_url: redirectUrl,
      ...options,
    });
    return tokenIn(await server.inbox.lastFor(email, { count: length + 1 }));
  }

  /** Sends a login code to a member and returns it. */
  async function sendCode(organization, email, options = {}) {
    const { length } = await server.inbox.messagesFor(email);
    await stytch.otps.email.loginOrSignup({
      organization_id: organization.organization_id,
      email_address: email,
      ...options,
    });
    return (await server.inbox.lastFor(email, { count: length + 1 })).code;
  }

  /** Sends a discovery code to an address and returns it. */
  async function sendDiscoveryCode(email, options = {}) {
    const { length } = await server.inbox.messagesFor(email);
    await stytch.otps.email.discovery.send({ email_address: email, ...options });
    return (await server.inbox.lastFor(email, { count: length + 1 })).code;
  }

  /** Proves an address by a discovery code: an intermediate session. */
  async function discover(email) {
    const code = await sendDiscoveryCode(email);
    return stytch.otps.email.discovery.authenticate({ email_address: email, code });
  }

  /** Signs a member in by magic link: the whole authenticate response. */
  async function signIn(organization, member, options = {}) {
    const token = await sendMagicLink(organization, member.email_address);
    return stytch.magicLinks.authenticate({ magic_links_token: token, ...options });
  }

  /** A new organization with one signed-in member: the authenticate response. */
  async function signedIn(options = {}) {
    const organization = await createOrganization();
    return signIn(organization, await createMember(organization), options);
  }

  return {
    stytch,
    createOrganization,
    createMember,
    sendMagicLink,
    sendCode,
    sendDiscoveryCode,
    discover,
    signIn,
    signedIn,
  };
}
