'use client';

import { useActionState } from 'react';
import { signIn, type Step } from '../actions';

export default function BackendLoginPage() {
  const [current, action, isPending] = useActionState<Step, FormData>(signIn, { step: 'email' });

  return (
    <form action={action} className="card">
      <h1>Sign in, server only</h1>

      {current.step === 'email' && (
        <>
          <label htmlFor="email">Email</label>
          <input id="email" name="email" type="email" autoComplete="email" required autoFocus />
          <button disabled={isPending}>Email me a code</button>
        </>
      )}

      {current.step === 'code' && (
        <>
          <label htmlFor="code">Code sent to {current.email}</label>
          <input id="code" name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
          <button disabled={isPending}>Continue</button>
        </>
      )}

      {current.step === 'organization' && (
        <>
          {current.organizations.map(({ id, name }) => (
            <button key={id} name="organization_id" value={id} disabled={isPending} formNoValidate>
              {name}
            </button>
          ))}
          <label htmlFor="organization_name">New organization</label>
          <input id="organization_name" name="organization_name" required />
          <button disabled={isPending}>Create organization</button>
        </>
      )}

      {current.error && <p role="alert">{current.error}</p>}
    </form>
  );
}
