import { cookies } from 'next/headers';
import { authenticate } from '@/lib/stytch-server';

/** A route handler for signed-in members. */
export async function GET() {
  const auth = await authenticate((await cookies()).get('stytch_session')?.value);
  if (!auth) return Response.json({ error: 'not signed in' }, { status: 401 });
  return Response.json({ email: auth.member.email_address, organization: auth.organization.organization_name });
}
