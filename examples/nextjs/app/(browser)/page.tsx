'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useActionState, useEffect, useState } from 'react';
import {
  useStytchB2BClient,
  useStytchMember,
  useStytchMemberSession,
  useStytchOrganization,
} from '@stytch/nextjs/b2b';
import { rename } from './actions';

export default function HomePage() {
  const router = useRouter();
  const stytch = useStytchB2BClient();
  const { session, isInitialized } = useStytchMemberSession();
  const { member, fromCache } = useStytchMember();
  const { organization } = useStytchOrganization();
  const [renamed, renameAction, isRenaming] = useActionState(rename, null);
  const [answer, setAnswer] = useState('');

  // Holds after sign-out in any tab, expiry, and revocation by the server.
  useEffect(() => {
    if (isInitialized && session === null) router.replace('/login');
  }, [isInitialized, session, router]);

  // The server action changed the member; ask for it anew, so that the hooks show it.
  useEffect(() => {
    if (renamed?.ok) stytch.session.authenticate();
  }, [renamed, stytch]);

  async function askRoute() {
    const response = await fetch('/api/me');
    setAnswer(`${response.status} ${await response.text()}`);
  }

  if (!session || !member || !organization) return <p role="status">One moment…</p>;

  return (
    <section className="card">
      <header>
        <h1>{member.name || 'Welcome'}</h1>
        <span role="status" className="badge">
          {fromCache ? 'from cache' : 'fresh'}
        </span>
        <button onClick={() => stytch.session.revoke()}>Sign out</button>
      </header>

      <dl>
        <dt>Email</dt>
        <dd>{member.email_address}</dd>
        <dt>Organization</dt>
        <dd>{organization.organization_name}</dd>
        <dt>Signed in until</dt>
        <dd>{new Date(session.expires_at).toLocaleTimeString()}</dd>
      </dl>

      <form action={renameAction}>
        <label>
          Name
          <input name="name" defaultValue={member.name} required />
        </label>
        <button className="primary" disabled={isRenaming}>
          Save by server action
        </button>
        {renamed && <output>{renamed.message}</output>}
      </form>

      <button onClick={askRoute}>Ask the protected route</button>
      {answer && <output>{answer}</output>}
      <Link href="/reports" prefetch={false}>
        Open the page behind the proxy
      </Link>
    </section>
  );
}
