'use server';

import { cookies } from 'next/headers';
import { authenticate, orRefused, stytch } from '@/lib/stytch-server';

export type Renamed = { ok: boolean; message: string } | null;

/** A server action is a public endpoint: it checks the session itself, and takes the member from it, never from the form. */
export async function rename(_previous: Renamed, form: FormData): Promise<Renamed> {
  const auth = await authenticate((await cookies()).get('stytch_session')?.value);
  if (!auth) return { ok: false, message: 'You are signed out.' };

  const updated = await orRefused(
    stytch().organizations.members.update({
      organization_id: auth.organization.organization_id,
      member_id: auth.member.member_id,
      name: String(form.get('name')),
    }),
  );
  return updated
    ? { ok: true, message: `Saved as ${updated.member.name}.` }
    : { ok: false, message: 'This name cannot be used.' };
}
