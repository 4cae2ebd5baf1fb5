// Everything this app's server does with Ostiary passes through the official `stytch` package, unmodified.
import { B2BClient, StytchError } from 'stytch';

let client: B2BClient | undefined;

/** One client per process, because it caches the public keys that JWTs are checked with. Made on first use, so that building needs no secret. */
export function stytch(): B2BClient {
  const url = process.env.NEXT_PUBLIC_OSTIARY_URL;
  return (client ??= new B2BClient({
    project_id: process.env.STYTCH_PROJECT_ID!,
    secret: process.env.STYTCH_SECRET!,
    // `env` takes any URL; the documented `custom_base_url` insists on https, which a laptop rarely has.
    env: url,
    fraud_env: url,
  }));
}

/** The answer of a call, or null when Ostiary refuses it. Failures of the server stay errors: an outage is no sign-out. */
export async function orRefused<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof StytchError && error.status_code < 500) return null;
    throw error;
  }
}

/** Asks Ostiary who holds this session token. A revoked session is refused by the very next call. */
export async function authenticate(session_token: string | undefined) {
  return session_token ? orRefused(stytch().sessions.authenticate({ session_token })) : null;
}

/** Checks a session JWT here, without a request while it is fresh (5 minutes); an older one is put to Ostiary. Fast, but a revoked session may pass until its JWT expires. */
export async function authenticateJwt(session_jwt: string | undefined) {
  return session_jwt ? orRefused(stytch().sessions.authenticateJwt({ session_jwt })) : null;
}
