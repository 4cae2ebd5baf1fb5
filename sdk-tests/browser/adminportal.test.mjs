// The admin portal of @stytch/react and @stytch/vanilla-js: what customers' own administrators see and do, and what they must not.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { actorsOf, linkIn, tokenIn } from '../lib/actors.mjs';
import { uniquePhone } from '../lib/authenticator.mjs';
import { asLocalhost, launchBrowser, servePage } from '../lib/browser.mjs';
import { startServer, unique, uniqueEmail } from '../lib/server.mjs';

const server = await startServer();
const api = asLocalhost(server.apiUrl);
const app = await servePage(server, '../browser/adminportal.page.jsx');
const withoutReact = await servePage(server, '../browser/adminportal-vanilla.page.js');
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  app.close();
  withoutReact.close();
  await server.stop();
});
const { stytch, createOrganization, createMember, sendMagicLink, signIn } = actorsOf(server);

const button = (scope, name) => scope.getByRole('button', { name, exact: true });

/** A browser in which this member is signed in. */
async function browserOf(organization, member, { url } = app) {
  const page = await (await browser.newPerson()).newPage();
  const token = await sendMagicLink(organization, member.email_address);
  await page.goto(url);
  await page.waitForFunction(() => 'stytch' in window);
  await page.evaluate(async (magic_links_token) => {
    await window.stytch.magicLinks.authenticate({ magic_links_token, session_duration_minutes: 60 });
  }, token);
  return page;
}

/** An organization, its administrator Ada, and her browser at a page of the portal. */
async function administration(path, settings, place = app) {
  const organization = await createOrganization(settings);
  const ada = await createMember(organization, { name: 'Ada', roles: ['stytch_admin'] });
  const page = await browserOf(organization, ada, place);
  await page.goto(place.url + path);
  return { organization, ada, page };
}

const read = async ({ organization_id }) => (await stytch.organizations.get({ organization_id })).organization;

const idsOf = ({ organization_id, member_id }) => ({ organization_id, member_id });
const readMember = async (member) => (await stytch.organizations.members.get(idsOf(member))).member;

/** The frame of a section with its title and its buttons. */
const section = (page, title) =>
  page.getByRole('heading', { level: 3, name: title, exact: true }).locator('xpath=../..');

/** Opens a section for changes, makes them, and saves. */
async function change(page, title, make) {
  const frame = section(page, title);
  await button(frame, 'Edit').click();
  await make(frame);
  await button(frame, 'Save').click();
  await button(page.getByRole('dialog'), 'Save changes').click();
  await button(frame, 'Edit').waitFor();
}

/** Answers the question that the portal asks before it acts. */
async function confirm(page, name) {
  const dialog = page.getByRole('dialog');
  await button(dialog, name).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Chooses entries of a list that takes several. */
async function choose(page, field, names) {
  for (const name of names) {
    await field.click();
    await page.getByRole('option', { name }).click();
  }
  await page.getByRole('listbox').waitFor({ state: 'detached' });
}

/** Chooses an entry of a list that takes one. */
async function chooseOne(page, placeholder, name) {
  await page.getByRole('combobox').filter({ hasText: placeholder }).click();
  await page.getByRole('menuitem', { name }).click();
}

const row = (page, email) => page.getByRole('row').filter({ hasText: email });

/** Chooses from the menu of a member. */
async function act(page, email, action) {
  await button(row(page, email), 'actions').click();
  await page.getByRole('menuitem', { name: action }).click();
}

const open = (page, email) => act(page, email, 'Edit member');

test('settings: what an administrator changes is changed', async () => {
  const { organization, page } = await administration('/settings');
  const slug = unique('renamed');
  await change(page, 'Details', async (frame) => {
    await frame.getByPlaceholder('Enter Name').fill('Globex');
    await frame.getByPlaceholder('Enter Slug').fill(slug);
  });
  await change(page, 'Authentication settings', async (frame) => {
    await frame.getByText('Allow all primary auth methods').click();
    await frame.getByLabel('Email Magic Links').check();
    await frame.getByLabel('Email OTP').check();
    await frame.getByText('Require MFA for all users').click();
    await frame.getByText('Allow all secondary auth methods').click();
    await frame.getByLabel('TOTP', { exact: true }).check();
  });
  await change(page, 'User onboarding', async (frame) => {
    await frame.getByLabel('Users from allowed email domains').check();
    await frame.getByRole('checkbox', { name: 'Email domains' }).check();
    await button(frame, 'Add domain').click();
    await page.getByPlaceholder('Enter domain').fill('Globex.example');
    await confirm(page, 'Save');
  });
  await change(page, 'Automatic Role assignments', async (frame) => {
    await button(frame, 'Add Role assignment').click();
    await chooseOne(page, 'Select Role', /^stytch_admin/);
    await chooseOne(page, 'Select Source', /^Email/);
    await page.getByRole('dialog').getByRole('textbox').last().fill('boss.example');
    await confirm(page, 'Save');
  });

  const changed = await read(organization);
  for (const [field, expected] of Object.entries({
    organization_name: 'Globex',
    organization_slug: slug,
    auth_methods: 'RESTRICTED',
    allowed_auth_methods: ['magic_link', 'email_otp'],
    mfa_policy: 'REQUIRED_FOR_ALL',
    mfa_methods: 'RESTRICTED',
    allowed_mfa_methods: ['totp'],
    email_invites: 'RESTRICTED',
    email_jit_provisioning: 'RESTRICTED',
    email_allowed_domains: ['globex.example'],
    rbac_email_implicit_role_assignments: [{ domain: 'boss.example', role_id: 'stytch_admin' }],
  })) {
    assert.deepEqual(changed[field], expected, field);
  }
  await page.reload();
  await section(page, 'Details').getByText(slug).waitFor();
  await section(page, 'User onboarding').getByText('globex.example').waitFor();
});

test('settings: a refusal is shown and changes nothing', async () => {
  const taken = await createOrganization();
  const { organization, page } = await administration('/settings');
  const attempt = async (title, make, message) => {
    const frame = section(page, title);
    await button(frame, 'Edit').click();
    await make(frame);
    await button(frame, 'Save').click();
    await button(page.getByRole('dialog'), 'Save changes').click();
    await page.getByText(message).waitFor();
    await button(frame, 'Cancel').click();
  };
  await attempt(
    'Details',
    (frame) => frame.getByPlaceholder('Enter Slug').fill(taken.organization_slug),
    'Another organization of this project has that slug.',
  );
  await attempt(
    'User onboarding',
    (frame) => frame.getByLabel('Users from allowed email domains').check(),
    'RESTRICTED needs at least one domain in email_allowed_domains.',
  );
  assert.deepEqual(await read(organization), organization);
});

test('members: invited, asked again, and let in with the role that was given', async () => {
  const { organization, page } = await administration('/members');
  const grace = uniqueEmail();
  await button(page, 'Invite').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByPlaceholder('Enter name').fill('Grace');
  await dialog.getByPlaceholder('Enter email address').fill('nobody@');
  const refused = page.waitForResponse((response) => response.url().endsWith('/invite') && response.status() === 400);
  await button(dialog, 'Invite').click();
  await refused;
  await dialog.getByPlaceholder('Enter email address').fill(` ${grace} `);
  await choose(page, dialog.getByRole('combobox'), [/^stytch_admin/]);
  await button(dialog, 'Invite').click();
  await page.getByText(`Invite sent to ${grace}`).waitFor();
  await row(page, grace).getByText('Invited').waitFor();

  await act(page, grace, 'Resend invite email');
  const mail = await server.inbox.lastFor(grace, { count: 2 });
  assert.ok(linkIn(mail));
  const { member } = await stytch.magicLinks.authenticate({ magic_links_token: tokenIn(mail) });
  assert.deepEqual([member.name, member.status, member.is_admin], ['Grace', 'active', true]);
  await page.reload();
  await row(page, grace).getByText('Active').waitFor();

  const revoked = await stytch.magicLinks.email.invite({
    organization_id: organization.organization_id,
    email_address: uniqueEmail(),
  });
  await page.reload();
  const { email_address } = revoked.member;
  await act(page, email_address, 'Revoke invite');
  await confirm(page, 'Revoke invite');
  await row(page, email_address).waitFor({ state: 'detached' });
});

test('members: searched by address, filtered by role and by status', async () => {
  const { organization, ada, page } = await administration('/members');
  const grace = await createMember(organization, { email_address: uniqueEmail('navy.example') });
  const alan = await createMember(organization, { email_address: uniqueEmail('bletchley.example') });
  await page.reload();
  await row(page, alan.email_address).waitFor();
  const search = page.getByPlaceholder('Search by email');
  await search.fill('NAVY.ex');
  await row(page, alan.email_address).waitFor({ state: 'detached' });
  await row(page, grace.email_address).waitFor();
  await search.fill('');
  await row(page, alan.email_address).waitFor();

  const filter = async (column, names) => {
    await button(page.getByRole('columnheader', { name: column }), 'actions').click();
    for (const name of names) await page.getByRole('menuitem', { name }).click();
    await page.keyboard.press('Escape');
  };
  await filter('Role', [/^stytch_admin/]);
  await row(page, alan.email_address).waitFor({ state: 'detached' });
  await row(page, ada.email_address).waitFor();
  await filter('Role', [/^stytch_admin/]);
  await stytch.organizations.members.delete(idsOf(alan));
  await filter('Status', ['Active', 'Pending', 'Invited', 'Deactivated']);
  await row(page, alan.email_address).getByText('Deactivated').waitFor();
  await row(page, grace.email_address).waitFor({ state: 'detached' });
});

test('members: more of them than fit on a page', async () => {
  const { organization, page } = await administration('/members');
  for (let number = 10; number < 30; number += 1) {
    await createMember(organization, { email_address: `m${number}@${organization.organization_slug}.example` });
  }
  await page.reload();
  await page.getByText('1–15 of 21').waitFor();
  await page.getByRole('button', { name: 'Go to next page' }).click();
  await page.getByText('16–21 of 21').waitFor();
  await row(page, `m29@${organization.organization_slug}.example`).waitFor();
});

test('members: details, roles and demands are changed', async () => {
  const { organization, page } = await administration('/members');
  const grace = await createMember(organization);
  const session = await signIn(organization, grace, { session_duration_minutes: 60 });
  await stytch.rbac.organizations.setOrgPolicy({
    organization_id: organization.organization_id,
    org_policy: {
      roles: [
        { role_id: 'support', description: 'Helps', permissions: [{ resource_id: 'stytch.member', actions: ['search'] }] },
      ],
    },
  });
  await page.reload();
  await open(page, grace.email_address);
  await change(page, 'Details', (frame) => frame.getByRole('textbox').first().fill('Grace Hopper'));
  await page.getByRole('heading', { level: 2, name: 'Grace Hopper' }).waitFor();
  await change(page, 'Access requirements & permissions', async (frame) => {
    await button(frame, 'Add Role assignment').click();
    await choose(page, page.getByRole('dialog').getByRole('combobox'), [/^stytch_admin/, /^support/]);
    await confirm(page, 'Add Role');
    await frame.getByText('Require MFA for this Member').click();
    await frame.getByText('Exempt Member from your primary authentication policy').click();
    await confirm(page, 'Allow');
  });
  const changed = await readMember(grace);
  assert.deepEqual([changed.name, changed.mfa_enrolled, changed.is_breakglass], ['Grace Hopper', true, true]);
  assert.deepEqual(changed.roles.map(({ role_id }) => role_id), ['stytch_member', 'stytch_admin', 'support']);
  const granted = await stytch.sessions.authenticate({ session_token: session.session_token });
  assert.deepEqual(granted.member_session.roles, ['stytch_member', 'stytch_admin', 'support']);

  await change(page, 'Access requirements & permissions', async (frame) => {
    await button(frame.getByRole('row').filter({ hasText: 'stytch_admin' }), 'Revoke').click();
  });
  const demoted = await stytch.sessions.authenticate({ session_token: session.session_token });
  assert.deepEqual(demoted.member_session.roles, ['stytch_member', 'support']);

  await change(page, 'Details', (frame) => frame.getByRole('textbox').last().fill('grace@navy.example'));
  const moved = await readMember(grace);
  assert.deepEqual([moved.email_address, moved.email_address_verified], ['grace@navy.example', false]);
});

test('members: factors are reset and sessions ended', async () => {
  const { organization, page } = await administration('/members');
  const grace = await createMember(organization, { mfa_phone_number: uniquePhone() });
  await stytch.passwords.migrate({
    organization_id: organization.organization_id,
    email_address: grace.email_address,
    hash: '$2a$04$vUKcN/wTIqa1pmXjEXbyU.Nxdc3KV79IfWPqYjZ61X8FfVDtPPXsa',
    hash_type: 'bcrypt',
  });
  const { session_token } = await signIn(organization, grace, { session_duration_minutes: 60 });

  await page.reload();
  await open(page, grace.email_address);
  const frame = section(page, 'Authentication management');
  await button(frame, 'Reset SMS OTP').click();
  await confirm(page, 'Reset SMS OTP');
  await button(frame, 'Reset SMS OTP').waitFor({ state: 'detached' });
  await button(frame, 'Reset password').click();
  await page.getByLabel('Trigger password reset email').check();
  const mails = (await server.inbox.messagesFor(grace.email_address)).length;
  await confirm(page, 'Reset password');
  await server.inbox.lastFor(grace.email_address, { count: mails + 1 });
  await button(frame, 'Revoke all sessions').click();
  await confirm(page, 'Revoke all sessions');

  const reset = await readMember(grace);
  assert.deepEqual([reset.mfa_phone_number, reset.member_password_id], ['', '']);
  await assert.rejects(stytch.sessions.authenticate({ session_token }), { error_type: 'session_not_found' });
});

test('members: deactivated, and brought back without what they had', async () => {
  const { organization, page } = await administration('/members');
  const grace = await createMember(organization, { roles: ['stytch_admin'] });
  const { session_token } = await signIn(organization, grace, { session_duration_minutes: 60 });
  await page.reload();
  await act(page, grace.email_address, 'Deactivate');
  await confirm(page, 'Deactivate Member');
  await row(page, grace.email_address).waitFor({ state: 'detached' });
  await assert.rejects(stytch.sessions.authenticate({ session_token }), { error_type: 'session_not_found' });

  await button(page.getByRole('columnheader', { name: 'Status' }), 'actions').click();
  await page.getByRole('menuitem', { name: 'Deactivated' }).click();
  await page.keyboard.press('Escape');
  await act(page, grace.email_address, 'Reactivate');
  await confirm(page, 'Reactivate');
  await row(page, grace.email_address).getByText('Active').waitFor();
  const { member } = await signIn(organization, grace);
  assert.deepEqual([member.status, member.is_admin], ['active', false]);
});

test('without React: the same parts do the same', async () => {
  const { organization, page } = await administration('/settings', {}, withoutReact);
  await change(page, 'Details', (frame) => frame.getByPlaceholder('Enter Name').fill('Globex'));
  await change(page, 'Authentication settings', (frame) => frame.getByText('Require MFA for all users').click());
  const { organization_name, mfa_policy } = await read(organization);
  assert.deepEqual([organization_name, mfa_policy], ['Globex', 'REQUIRED_FOR_ALL']);

  const grace = await createMember(organization);
  await page.goto(`${withoutReact.url}/members`);
  await open(page, grace.email_address);
  await change(page, 'Details', (frame) => frame.getByRole('textbox').first().fill('Grace Hopper'));
  await button(page, 'Deactivate Member').click();
  await confirm(page, 'Deactivate Member');
  await page.getByText('Deactivated', { exact: true }).waitFor();
  const { member } = await stytch.organizations.members.dangerouslyGet({ member_id: grace.member_id, include_deleted: true });
  assert.deepEqual([member.name, member.status], ['Grace Hopper', 'deleted']);
});

/** What a page's client is told when it calls something. */
const call = (page, path, ...args) =>
  page.evaluate(
    async ([path, args]) => {
      const [name, ...places] = path.split('.').reverse();
      const target = places.reverse().reduce((place, key) => place[key], window.stytch);
      try {
        return { answer: await target[name](...args) };
      } catch ({ error_type, status_code }) {
        return { refusal: `${status_code} ${error_type}` };
      }
    },
    [path, args],
  );

/** What the server says to a request with the session of a page, without any SDK in between. */
async function request(page, method, path, body) {
  return page.evaluate(
    async ([url, publicToken, method, body]) => {
      const session = document.cookie.match(/stytch_session=([^;]+)/)[1];
      const response = await fetch(url, {
        method,
        headers: { authorization: `Basic ${btoa(`${publicToken}:${session}`)}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      const { error_type } = await response.json();
      return `${response.status} ${error_type}`;
    },
    [`${api}/sdk/v1${path}`, server.publicToken, method, body],
  );
}

test('a plain member sees what the policy allows, and the server refuses the rest', async () => {
  const organization = await createOrganization();
  const ada = await createMember(organization, { name: 'Ada', roles: ['stytch_admin'] });
  const grace = await createMember(organization);
  const before = await readMember(ada);
  const page = await browserOf(organization, grace);
  const { organization_id, member_id } = await readMember(grace);

  await page.goto(`${app.url}/members`);
  await page.getByText('You do not have permission to manage Members.').waitFor();
  await page.goto(`${app.url}/settings`);
  await section(page, 'Details').getByText(organization.organization_name).waitFor();
  assert.equal(await button(page, 'Edit').count(), 0);

  const forbidden = '403 session_authorization_error';
  for (const [path, ...args] of [
    ['organization.update', { organization_name: 'Mine' }],
    ['organization.update', { mfa_policy: 'OPTIONAL' }],
    ['organization.update', { rbac_email_implicit_role_assignments: [{ domain: 'a.example', role_id: 'stytch_admin' }] }],
    ['organization.delete'],
    ['organization.members.search', {}],
    ['organization.members.create', { email_address: uniqueEmail() }],
    ['organization.members.update', { member_id: ada.member_id, name: 'Eve' }],
    ['organization.members.update', { member_id, roles: ['stytch_admin'] }],
    ['organization.members.update', { member_id, is_breakglass: true }],
    ['organization.members.delete', ada.member_id],
    ['organization.members.reactivate', ada.member_id],
    ['organization.members.deleteMFAPhoneNumber', ada.member_id],
    ['organization.members.deleteMFATOTP', ada.member_id],
    ['organization.members.startEmailUpdate', { member_id: ada.member_id, email_address: uniqueEmail() }],
    ['session.revokeForMember', { member_id: ada.member_id }],
    ['magicLinks.email.invite', { email_address: uniqueEmail() }],
  ]) {
    assert.deepEqual(await call(page, path, ...args), { refusal: forbidden }, `${path} ${JSON.stringify(args)}`);
  }
  for (const [method, path, body, expected] of [
    ['PUT', '/b2b/organizations/me', { email_invites: 'NOT_ALLOWED' }, forbidden],
    ['PUT', '/b2b/organizations/me', { organization_id, organization_external_id: 'mine' }, forbidden],
    ['PUT', '/b2b/organizations/me', { trusted_metadata: { plan: 'gold' } }, '401 cannot_update_trusted_metadata'],
    ['POST', '/b2b/organizations/me/members/search', { organization_ids: [organization_id] }, forbidden],
    ['PUT', '/b2b/organizations/members/update', { roles: ['stytch_admin'] }, forbidden],
    ['PUT', '/b2b/organizations/members/update', { trusted_metadata: {} }, '401 cannot_update_trusted_metadata'],
    ['PUT', `/b2b/organizations/members/${member_id}`, { email_address: 'x@y.example' }, '400 member_cannot_update_their_email_address'],
    ['DELETE', `/b2b/organizations/members/${ada.member_id}`, null, forbidden],
  ]) {
    assert.equal(await request(page, method, path, body), expected, `${method} ${path} ${JSON.stringify(body)}`);
  }
  assert.deepEqual(await readMember(ada), before);
  assert.deepEqual(await read(organization), organization);

  const { answer } = await call(page, 'self.update', { name: 'Grace', untrusted_metadata: { theme: 'dark' } });
  assert.equal(answer.member.name, 'Grace', 'what members may do for themselves works');
});

test('a role in between opens what it says and nothing else', async () => {
  const organization = await createOrganization();
  const permissions = [
    { resource_id: 'stytch.member', actions: ['search', 'update.info.name'] },
    { resource_id: 'stytch.organization', actions: ['update.info.name'] },
    { resource_id: 'stytch.custom-org-roles', actions: ['get'] },
  ];
  const { organization_id } = organization;
  const org_policy = { roles: [{ role_id: 'clerk', description: 'Keeps names right', permissions }] };
  await stytch.rbac.organizations.setOrgPolicy({ organization_id, org_policy });
  const ada = await createMember(organization, { name: 'Ada' });
  const page = await browserOf(organization, await createMember(organization, { roles: ['clerk'] }));

  await page.goto(`${app.url}/members`);
  await row(page, ada.email_address).waitFor();
  assert.equal(await button(page, 'Invite').count(), 0);
  await open(page, ada.email_address);
  await change(page, 'Details', async (frame) => {
    assert.equal(await frame.getByRole('textbox').count(), 1, 'the address is not hers to change');
    await frame.getByRole('textbox').fill('Ada Lovelace');
  });
  assert.equal((await readMember(ada)).name, 'Ada Lovelace');
  for (const title of ['Authentication management', 'Danger zone']) {
    assert.equal(await page.getByRole('heading', { name: title }).count(), 0, title);
  }

  await page.goto(`${app.url}/settings`);
  await button(section(page, 'Details'), 'Edit').waitFor();
  assert.equal(await button(page, 'Edit').count(), 1);
  const refused = await call(page, 'organization.update', { organization_name: 'New', organization_slug: unique('new') });
  assert.deepEqual(refused, { refusal: '403 session_authorization_error' });
  assert.equal((await read(organization)).organization_name, organization.organization_name, 'all of it or nothing');
});

test('a demotion takes effect at once, also where the page is still open', async () => {
  const { organization, ada, page } = await administration('/members');
  const grace = await createMember(organization);
  await page.reload();
  await row(page, grace.email_address).waitFor();
  await stytch.organizations.members.update({ ...idsOf(ada), roles: [] });
  await act(page, grace.email_address, 'Deactivate');
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'DELETE'),
    confirm(page, 'Deactivate Member'),
  ]);
  assert.equal(response.status(), 403);
  assert.equal((await readMember(grace)).status, 'active');
  // The portal begins with the roles that the browser remembers, and may ask the server before it hears of those of now.
  await page.reload();
  const notAllowed = page.getByText('You do not have permission to manage Members.');
  await notAllowed.or(page.getByText('The member may not do that.')).waitFor();
  await page.reload();
  await notAllowed.waitFor();

  await stytch.organizations.members.delete(idsOf(ada));
  await page.reload();
  await page.getByText('Please log in to manage Members.').waitFor();
});
