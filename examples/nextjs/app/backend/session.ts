import { cookies } from 'next/headers';
import { authenticate } from '@/lib/stytch-server';

// Own names: these cookies are HttpOnly, and the browser SDK could not replace such a cookie under its own name.
const SESSION = 'backend_session';
const INTERMEDIATE_SESSION = 'backend_intermediate_session';

const attributes = {
  httpOnly: true,
  sameSite: 'lax',
  secure: process.env.NODE_ENV === 'production', // browsers take http://localhost for secure; Safari does not
  path: '/backend',
} as const;

export async function readSession() {
  return (await cookies()).get(SESSION)?.value;
}

export async function writeSession(token: string, expiresAt: string) {
  const jar = await cookies();
  jar.delete({ name: INTERMEDIATE_SESSION, path: attributes.path });
  jar.set(SESSION, token, { ...attributes, expires: new Date(expiresAt) });
}

export async function clearSession() {
  (await cookies()).delete({ name: SESSION, path: attributes.path });
}

export async function readIntermediateSession() {
  return (await cookies()).get(INTERMEDIATE_SESSION)?.value ?? '';
}

export async function writeIntermediateSession(token: string) {
  (await cookies()).set(INTERMEDIATE_SESSION, token, { ...attributes, maxAge: 600 });
}

/** The signed-in member with organization and session, or null. */
export async function currentMember() {
  return authenticate(await readSession());
}
