'use server';

import { redirect } from 'next/navigation';
import { orRefused, stytch } from '@/lib/stytch-server';
import {
  clearSession,
  readIntermediateSession,
  readSession,
  writeIntermediateSession,
  writeSession,
} from './session';

export type Step =
  | { step: 'email'; error?: string }
  | { step: 'code'; email: string; error?: string }
  | { step: 'organization'; organizations: { id: string; name: string }[]; error?: string };

/** Sign-in as three steps of one form: an email address, the code from the mail, an organization. */
export async function signIn(current: Step, form: FormData): Promise<Step> {
  const field = (name: string) => String(form.get(name) ?? '');
  switch (current.step) {
    case 'email':
      return sendCode(field('email'));
    case 'code':
      return checkCode(current.email, field('code'));
    case 'organization':
      return enterOrganization(current, field('organization_id'), field('organization_name'));
  }
}

async function sendCode(email: string): Promise<Step> {
  const sent = await orRefused(stytch().otps.email.discovery.send({ email_address: email }));
  return sent ? { step: 'code', email } : { step: 'email', error: 'We cannot send mail to this address.' };
}

async function checkCode(email: string, code: string): Promise<Step> {
  const auth = await orRefused(stytch().otps.email.discovery.authenticate({ email_address: email, code }));
  if (!auth) return { step: 'code', email, error: 'This code is wrong or too old.' };

  // Proves the address for ten minutes, until the member has chosen an organization.
  await writeIntermediateSession(auth.intermediate_session_token);
  const organizations = auth.discovered_organizations.flatMap(({ organization }) =>
    organization ? [{ id: organization.organization_id, name: organization.organization_name }] : [],
  );
  return { step: 'organization', organizations };
}

/** Enters the organization of that id, or makes one of that name. */
async function enterOrganization(current: Step, id: string, name: string): Promise<Step> {
  const { intermediateSessions, organizations } = stytch().discovery;
  const proof = { intermediate_session_token: await readIntermediateSession(), session_duration_minutes: 60 };
  const auth = await orRefused(
    id
      ? intermediateSessions.exchange({ ...proof, organization_id: id })
      : organizations.create({ ...proof, organization_name: name }),
  );
  if (!auth) return { step: 'email', error: 'That did not work. Start again.' };
  if (!auth.member_session) return { ...current, error: 'This organization asks for a further step.' };

  await writeSession(auth.session_token, auth.member_session.expires_at);
  redirect('/backend');
}

export async function signOut() {
  const session_token = await readSession();
  if (session_token) await orRefused(stytch().sessions.revoke({ session_token }));
  await clearSession();
  redirect('/backend/login');
}
