// The headless browser client in readable-token mode, over plain http through `endpoints`.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn, refuses } from '../lib/actors.mjs';
import { asLocalhost, followLink, launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, unique, uniqueEmail, until } from '../lib/server.mjs';

const server = await startServer();
const api = asLocalhost(server.apiUrl);
const app = await servePage(server, '../browser/headless.page.js');
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  await server.stop();
});
const { stytch, createOrganization, createMember } = actorsOf(server);

/** Opens the app as somebody, and keeps what its console complains about. */
async function open(person, { path = '/', clock = false } = {}) {
  const page = await person.newPage();
  if (clock) await page.clock.install();
  await page.goto(app.url + path);
  await page.waitForFunction(() => 'stytch' in window);
  return page;
}

/** Runs a call of the SDK in the page: `ok`, or the refusal's status and type. */
const outcome = (page, call, argument) =>
  page.evaluate(
    ([source, value]) =>
      (0, eval)(source)(value).then(
        () => 'ok',
        (error) => `${error.status_code} ${error.error_type}`,
      ),
    [String(call), argument],
  );

const cookiesOf = async (person) =>
  Object.fromEntries((await person.cookies(app.url)).map((cookie) => [cookie.name, cookie]));

/** Follows a mail's link through the hop to the app. */
async function follow(page, link) {
  await followLink(page, link);
  await page.waitForURL((url) => url.origin === app.url);
  await page.waitForFunction(() => 'stytch' in window);
}

/** Signs a new member in by code: the page, the person and what the server knows. */
async function signedIn(options) {
  const person = await browser.newPerson();
  const page = await open(person, options);
  const organization = await createOrganization();
  const member = await createMember(organization);
  await signInWithCode(page, organization, member.email_address);
  return { person, page, organization, member };
}

async function signInWithCode(page, { organization_id }, email_address) {
  await page.evaluate((data) => stytch.otps.email.loginOrSignup(data), { organization_id, email_address });
  const { code } = await server.inbox.lastFor(email_address);
  await page.evaluate((data) => stytch.otps.email.authenticate(data), {
    ...{ organization_id, email_address, code },
    session_duration_minutes: 60,
  });
}

test('the client starts without a session and without an error', async () => {
  const person = await browser.newPerson();
  const page = await person.newPage();
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  const answers = [];
  page.on('response', (response) => {
    if (response.url().startsWith(api)) answers.push(`${response.request().method()} ${new URL(response.url()).pathname} ${response.status()}`);
  });
  const events = page.waitForResponse((response) => response.url().endsWith('/sdk/v1/events'));
  await page.goto(app.url);
  await events;
  assert.equal(await page.evaluate(() => stytch.session.getSync()), null);
  assert.equal(await page.evaluate(() => stytch.session.getTokens()), null);
  await until('the bootstrap answer', 5, () => answers.some((answer) => answer.includes('/bootstrap/')));
  assert.deepEqual(answers.filter((answer) => !answer.endsWith(' 200')), []);
  assert.deepEqual(complaints, []);

  const bootstrap = await page.evaluate(
    (token) => JSON.parse(localStorage.getItem(`stytch_sdk_state_${token}::bootstrap`)),
    server.publicToken,
  );
  assert.equal(bootstrap.vertical, 'B2B');
  assert.equal(bootstrap.pkceRequiredForEmailMagicLinks, true);
  assert.equal(bootstrap.createOrganizationEnabled, true);
  assert.deepEqual(bootstrap.captchaSettings, { enabled: false });
});

test('discovery by link: through the hop, with PKCE, into a new organization', async () => {
  const person = await browser.newPerson();
  const page = await open(person);
  const email = uniqueEmail();
  await page.evaluate((data) => stytch.magicLinks.email.discovery.send(data), {
    email_address: email,
    discovery_redirect_url: `${app.url}/authenticate?tab=1`,
  });
  const link = linkIn(await server.inbox.lastFor(email));

  // Somebody else who opens the link has no verifier; the link stays good.
  const stranger = await open(await browser.newPerson());
  await follow(stranger, link);
  const stolen = await outcome(stranger, () => stytch.authenticateByUrl({ session_duration_minutes: 60 }));
  assert.equal(stolen, '400 pkce_expected_code_verifier');

  await follow(page, link);
  const { searchParams, pathname } = new URL(page.url());
  assert.equal(pathname, '/authenticate');
  assert.equal(searchParams.get('tab'), '1');
  assert.equal(searchParams.get('stytch_token_type'), 'discovery');
  assert.equal(searchParams.get('slug'), null);

  const proven = await page.evaluate(() => stytch.authenticateByUrl({ session_duration_minutes: 60 }));
  assert.equal(proven.handled, true);
  assert.equal(proven.data.email_address, email);
  assert.deepEqual(proven.data.discovered_organizations, []);
  assert.equal(new URL(page.url()).search, '?tab=1');
  assert.deepEqual(Object.keys(await cookiesOf(person)), ['stytch_intermediate_session_token']);

  const listed = await page.evaluate(() => stytch.discovery.organizations.list());
  assert.equal(listed.email_address, email);
  const created = await page.evaluate(() => stytch.discovery.organizations.create({ session_duration_minutes: 60 }));
  assert.equal(created.member_authenticated, true);
  assert.equal(created.member.is_admin, true);

  const cookies = await cookiesOf(person);
  assert.deepEqual(Object.keys(cookies).sort(), ['stytch_session', 'stytch_session_jwt']);
  assert.equal(cookies.stytch_session.value, created.session_token);
  assert.equal(cookies.stytch_session.sameSite, 'Lax');
  const auth = await stytch.sessions.authenticate({ session_token: cookies.stytch_session.value });
  assert.equal(auth.member.email_address, email);
});

test('an organization link carries the slug and signs in once', async () => {
  const person = await browser.newPerson();
  const page = await open(person);
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  await page.evaluate((data) => stytch.magicLinks.email.loginOrSignup(data), {
    ...{ organization_id: organization.organization_id, email_address },
    login_redirect_url: `${app.url}/authenticate`,
  });
  const link = linkIn(await server.inbox.lastFor(email_address));
  await follow(page, link);
  const tokenUrl = page.url();
  const { searchParams } = new URL(tokenUrl);
  assert.equal(searchParams.get('stytch_token_type'), 'multi_tenant_magic_links');
  assert.equal(searchParams.get('slug'), organization.organization_slug);

  const { data } = await page.evaluate(() => stytch.authenticateByUrl({ session_duration_minutes: 60 }));
  assert.equal(data.member_authenticated, true);
  assert.equal(data.member.email_address, email_address);

  // A used link stops at the hop; its token does not sign in either.
  await page.goto(link);
  await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
  await page.goto(tokenUrl);
  await page.waitForFunction(() => 'stytch' in window);
  const again = await outcome(page, () => stytch.authenticateByUrl({ session_duration_minutes: 60 }));
  assert.equal(again, '401 unable_to_auth_magic_link');
});

test('login answers do not tell strangers who is a member', async () => {
  const page = await open(await browser.newPerson());
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  for (const send of ['magicLinks', 'otps']) {
    const answer = await page.evaluate(([api, data]) => stytch[api].email.loginOrSignup(data), [
      send,
      { organization_id, email_address },
    ]);
    assert.deepEqual(Object.keys(answer).sort(), ['request_id', 'status_code']);
  }
});

test('codes: wrong, malformed, right; by organization and by discovery', async () => {
  const page = await open(await browser.newPerson());
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);
  const { organization_id } = organization;
  await page.evaluate((data) => stytch.otps.email.loginOrSignup(data), { organization_id, email_address });
  const { code } = await server.inbox.lastFor(email_address);
  const authenticate = (value) =>
    outcome(page, (data) => stytch.otps.email.authenticate({ ...data, session_duration_minutes: 60 }), {
      ...{ organization_id, email_address, code: value },
    });
  assert.equal(await authenticate(code === '000000' ? '000001' : '000000'), '404 otp_code_not_found');
  assert.equal(await authenticate('12345'), '400 invalid_code');
  assert.equal(await authenticate(code), 'ok');
  assert.equal(await authenticate(code), '401 unable_to_auth_otp_code');

  const other = await open(await browser.newPerson());
  await other.evaluate((data) => stytch.otps.email.discovery.send(data), { email_address });
  const mail = await server.inbox.lastFor(email_address, { count: 2 });
  const proven = await other.evaluate((data) => stytch.otps.email.discovery.authenticate(data), { email_address, code: mail.code });
  assert.deepEqual(proven.discovered_organizations.map((found) => found.organization.organization_id), [organization_id]);
  const exchanged = await other.evaluate((data) => stytch.discovery.intermediateSessions.exchange(data), {
    ...{ organization_id, session_duration_minutes: 60 },
  });
  assert.equal(exchanged.member_authenticated, true);
});

test('after a reload the cached session shows first, then the fresh one', async () => {
  const { person, member } = await signedIn();
  const page = await person.newPage();
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let authorization;
  await page.route('**/sdk/v1/b2b/sessions/authenticate', async (route) => {
    if (route.request().method() === 'POST') {
      authorization = route.request().headers().authorization;
      await released;
    }
    await route.continue();
  });
  await page.goto(app.url);
  const info = () => page.evaluate(() => ({ ...stytch.self.getInfo(), session: stytch.session.getInfo() }));
  const cached = await info();
  assert.equal(cached.fromCache, true);
  assert.equal(cached.member.member_id, member.member_id);

  const jwtBefore = (await cookiesOf(person)).stytch_session_jwt.value;
  release();
  await page.waitForFunction(() => !stytch.self.getInfo().fromCache);
  const { stytch_session, stytch_session_jwt } = await cookiesOf(person);
  assert.equal(atob(authorization.slice('Basic '.length)), `${server.publicToken}:${stytch_session.value}`);
  assert.ok(stytch_session_jwt.value && jwtBefore);
  // A refresh that changes nothing wakes nobody: the objects are equal.
  assert.equal((await info()).session.session.member_session_id, cached.session.session.member_session_id);
});

test('the session is refreshed every three minutes', async () => {
  const { page } = await signedIn({ clock: true });
  let calls = 0;
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/b2b/sessions/authenticate')) calls++;
  });
  await page.clock.fastForward(179_000);
  assert.equal(calls, 0);
  const refreshed = page.waitForResponse((response) => response.url().endsWith('/b2b/sessions/authenticate'));
  await page.clock.fastForward(2_000);
  assert.equal((await refreshed).status(), 200);
  const { data } = await (await refreshed).json();
  for (const key of ['member', 'organization', 'member_session', 'session_token', 'session_jwt']) assert.ok(data[key], key);
});

test('a refresh of a revoked session signs out', async () => {
  const { page, person, member } = await signedIn({ clock: true });
  await stytch.sessions.revoke({ member_id: member.member_id });
  const refused = page.waitForResponse((response) => response.url().endsWith('/b2b/sessions/authenticate'));
  await page.clock.fastForward(181_000);
  const body = await (await refused).json();
  assert.equal(body.error_type, 'session_not_found');
  assert.equal(body.data, undefined, 'errors are not wrapped');
  await page.waitForFunction(() => stytch.session.getSync() === null && sessions.at(-1) === null);
  assert.deepEqual(await cookiesOf(person), {});
});

test('an outage is no sign-out: the client tries again', async () => {
  const { page, person } = await signedIn({ clock: true });
  let failing = true;
  const route = (handler) => page.route('**/sdk/v1/b2b/sessions/authenticate', handler);
  await route((request) => (failing ? request.abort() : request.continue()));
  const failed = page.waitForEvent('requestfailed');
  await page.clock.fastForward(181_000);
  await failed;
  assert.notEqual(await page.evaluate(() => stytch.session.getSync()), null);
  assert.ok((await cookiesOf(person)).stytch_session);

  failing = false;
  const recovered = page.waitForResponse((response) => response.url().endsWith('/b2b/sessions/authenticate'));
  await page.clock.runFor(5_000);
  assert.equal((await recovered).status(), 200);
});

test('sign-in and sign-out reach the other tabs', async () => {
  const person = await browser.newPerson();
  const first = await open(person);
  const second = await open(person);
  const organization = await createOrganization();
  const { email_address } = await createMember(organization);

  await signInWithCode(first, organization, email_address);
  await second.waitForFunction(() => stytch.session.getSync() !== null);
  assert.equal(await second.evaluate(() => stytch.self.getSync().email_address), email_address);

  const { stytch_session } = await cookiesOf(person);
  await second.evaluate(() => stytch.session.revoke());
  await first.waitForFunction(() => stytch.session.getSync() === null);
  assert.deepEqual(await cookiesOf(person), {});
  await refuses(stytch.sessions.authenticate({ session_token: stytch_session.value }), 404, 'session_not_found');
});

test('self and organization are those of the session', async () => {
  const { page, member, organization } = await signedIn();
  const self = await page.evaluate(() => stytch.self.get());
  assert.equal(self.member_id, member.member_id);
  const mine = await page.evaluate(() => stytch.organization.get());
  assert.equal(mine.organization_id, organization.organization_id);

  await page.evaluate(() => stytch.self.update({ name: 'Ada', untrusted_metadata: { theme: 'dark' } }));
  const { organization_id, member_id } = member;
  const { member: updated } = await stytch.organizations.members.get({ organization_id, member_id });
  assert.equal(updated.name, 'Ada');
  assert.deepEqual(updated.untrusted_metadata, { theme: 'dark' });

  const { organization_slug } = organization;
  const found = await page.evaluate((data) => stytch.organization.getBySlug(data), { organization_slug });
  assert.equal(found.organization.organization_id, organization.organization_id);
  const none = await page.evaluate((data) => stytch.organization.getBySlug(data), { organization_slug: unique('none') });
  assert.equal(none.organization, null);
});

test('an administrator invites, finds and signs out members; others may not', async () => {
  const { page: plain, organization, member } = await signedIn();
  const administrator = await createMember(organization, { roles: ['stytch_admin'] });
  const page = await open(await browser.newPerson());
  await signInWithCode(page, organization, administrator.email_address);

  const invite = (data) => stytch.magicLinks.email.invite(data);
  const search = () => stytch.organization.members.search({});
  const signOut = (data) => stytch.session.revokeForMember(data);
  const guest = { email_address: uniqueEmail(), invite_redirect_url: `${app.url}/authenticate` };
  for (const [call, data] of [
    [invite, guest],
    [search, undefined],
    [signOut, { member_id: administrator.member_id }],
  ]) {
    assert.equal(await outcome(plain, call, data), '403 session_authorization_error');
  }

  assert.equal((await page.evaluate((data) => stytch.magicLinks.email.invite(data), guest)).member.status, 'invited');
  linkIn(await server.inbox.lastFor(guest.email_address));
  const { members } = await page.evaluate(() => stytch.organization.members.search({}));
  assert.deepEqual(
    members.map(({ email_address }) => email_address).sort(),
    [administrator, guest, member].map(({ email_address }) => email_address).sort(),
  );
  assert.equal(await outcome(page, signOut, { member_id: member.member_id }), 'ok');
  assert.equal(await outcome(plain, () => stytch.self.get()), '404 session_not_found');
});

test('permissions are known in the browser, as the server knows them', async () => {
  const { page, organization, member } = await signedIn();
  const ask = () =>
    page.evaluate(async () => ({
      all: await stytch.rbac.allPermissions(),
      sync: stytch.rbac.isAuthorizedSync('stytch.member', 'search'),
      later: await stytch.rbac.isAuthorized('stytch.member', 'search'),
    }));
  const { policy } = await stytch.rbac.policy();
  /** What the roles of the session grant, by the server's own policy. */
  const granted = (roles, held) =>
    Object.fromEntries(
      policy.resources.map(({ resource_id, actions }) => {
        const grants = roles
          .filter(({ role_id }) => held.includes(role_id))
          .flatMap(({ permissions }) => permissions.filter((permission) => permission.resource_id === resource_id))
          .flatMap((permission) => permission.actions);
        return [resource_id, Object.fromEntries(actions.map((action) => [action, grants.includes('*') || grants.includes(action)]))];
      }),
    );
  assert.deepEqual(await ask(), { all: granted(policy.roles, ['stytch_member']), sync: false, later: false });

  const { organization_id } = organization;
  const permissions = [{ resource_id: 'stytch.member', actions: ['search'] }];
  const clerk = { role_id: 'clerk', description: 'Looks up members', permissions };
  await stytch.rbac.organizations.setOrgPolicy({ organization_id, org_policy: { roles: [clerk] } });
  await stytch.organizations.members.update({ organization_id, member_id: member.member_id, roles: ['clerk'] });
  await page.evaluate(() => stytch.session.authenticate());
  const expected = granted([...policy.roles, clerk], ['stytch_member', 'clerk']);
  assert.deepEqual(await ask(), { all: expected, sync: true, later: true });
  assert.equal(await outcome(page, () => stytch.organization.members.search({})), 'ok');
  assert.equal(await outcome(page, () => stytch.organization.members.create({ email_address: 'a@b.example' })), '403 session_authorization_error');
});

test('a member manages itself: address, retired addresses, factors', async () => {
  const { page, organization, member } = await signedIn();
  const email_address = uniqueEmail();
  const url = `${app.url}/authenticate`;
  await page.evaluate((data) => stytch.self.startEmailUpdate(data), { email_address, login_redirect_url: url });
  await follow(page, linkIn(await server.inbox.lastFor(email_address)));
  const token = new URL(page.url()).searchParams.get('token');
  await page.evaluate((magic_links_token) => stytch.magicLinks.authenticate({ magic_links_token, session_duration_minutes: 60 }), token);
  const self = await page.evaluate(() => stytch.self.get());
  assert.deepEqual([self.member_id, self.email_address], [member.member_id, email_address]);
  const [{ email_id }] = self.retired_email_addresses;
  const { member: unlinked } = await page.evaluate((data) => stytch.self.unlinkRetiredEmail(data), { email_id });
  assert.deepEqual(unlinked.retired_email_addresses, []);

  const { organization_id } = organization;
  await stytch.organizations.members.update({ organization_id, member_id: member.member_id, mfa_phone_number: '+12025550142' });
  const { member: without } = await page.evaluate(() => stytch.self.deleteMFAPhoneNumber());
  assert.equal(without.mfa_phone_number, '');
  assert.equal(await outcome(page, () => stytch.self.deleteMFATOTP()), '404 totp_not_found');
  const taken = { email_address: (await createMember(organization)).email_address };
  assert.equal(await outcome(page, (data) => stytch.self.startEmailUpdate(data), taken), '400 duplicate_member_email');
});

test('an administrator manages members and the organization through the client', async () => {
  const { page, organization, member } = await signedIn();
  const { organization_id } = organization;
  await stytch.organizations.members.update({ organization_id, member_id: member.member_id, roles: ['stytch_admin'] });
  const call = (source, data) => page.evaluate(source, data);
  const email_address = uniqueEmail();
  const { member: created } = await call((data) => stytch.organization.members.create(data), { email_address, name: 'Grace' });
  const { member_id } = created;
  const { member: changed } = await call((data) => stytch.organization.members.update(data), {
    ...{ member_id, name: 'Grace Hopper', is_breakglass: true, roles: ['stytch_admin'] },
    untrusted_metadata: { theme: 'dark' },
  });
  assert.deepEqual([changed.name, changed.is_breakglass, changed.is_admin], ['Grace Hopper', true, true]);
  const moved = { member_id, email_address: uniqueEmail() };
  const { member: elsewhere } = await call((data) => stytch.organization.members.update(data), moved);
  const [retired] = elsewhere.retired_email_addresses;
  await call((data) => stytch.organization.members.unlinkRetiredEmail(data), { member_id, email_id: retired.email_id });
  assert.equal(await outcome(page, (id) => stytch.organization.members.delete(id), member_id), 'ok');
  assert.equal(await outcome(page, (id) => stytch.organization.members.reactivate(id), member_id), '400 email_unverified_for_reactivation');

  const { organization: renamed } = await call((data) => stytch.organization.update(data), { organization_name: 'Globex', mfa_policy: 'REQUIRED_FOR_ALL' });
  assert.deepEqual([renamed.organization_name, renamed.mfa_policy], ['Globex', 'REQUIRED_FOR_ALL']);
  assert.equal(await outcome(page, () => stytch.organization.delete()), 'ok');
  await refuses(stytch.organizations.get({ organization_id }), 404, 'organization_not_found');
  assert.equal(await page.evaluate(() => stytch.session.getSync()), null);
});

test('a session call takes the duration that is asked for', async () => {
  const { page, person } = await signedIn();
  const { member_session } = await page.evaluate(() => stytch.session.authenticate({ session_duration_minutes: 480 }));
  const { stytch_session } = await cookiesOf(person);
  assert.ok(Math.abs(stytch_session.expires - Date.parse(member_session.expires_at) / 1000) < 2);
  const refused = await outcome(page, () => stytch.session.authenticate({ session_duration_minutes: 4 }));
  assert.equal(refused, '400 invalid_session_duration_minutes');
});

test('without a session the calls of members are unauthenticated', async () => {
  const page = await open(await browser.newPerson());
  for (const call of [
    () => stytch.self.get(),
    () => stytch.organization.get(),
    () => stytch.self.update({ name: 'Nobody' }),
    () => stytch.session.authenticate(),
  ]) {
    assert.equal(await outcome(page, call), '401 user_unauthenticated');
  }
  assert.equal(await outcome(page, () => stytch.session.revoke()), 'ok', 'there is nothing left to end');
});

test('errors are readable across origins, also of routes that do not exist', async () => {
  const page = await open(await browser.newPerson());
  const ask = (path, method, authorization) =>
    page.evaluate(
      async ([url, init]) => {
        const response = await fetch(url, init);
        return { status: response.status, body: await response.json() };
      },
      [`${api}/sdk/v1${path}`, { method, credentials: 'include', headers: { authorization, 'content-type': 'application/json' } }],
    );
  const basic = (token) => `Basic ${btoa(`${token}:${token}`)}`;

  const missing = await ask('/b2b/no/such/route', 'POST', basic(server.publicToken));
  assert.equal(missing.status, 404);
  assert.equal(missing.body.error_type, 'route_not_found');
  assert.equal(missing.body.status_code, 404);
  const unknown = await ask('/projects/bootstrap/public-token-test-unknown', 'GET', basic('public-token-test-unknown'));
  assert.ok([401, 404].includes(unknown.status), `${unknown.status}`);
  assert.ok(unknown.body.error_type);
});
