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
          <label>
            Email
            <input name="email" type="email" autoComplete="email" required autoFocus />
          </label>
          <button className="primary" disabled={isPending}>
            Email me a code
          </button>
        </>
      )}

      {current.step === 'code' && (
        <>
          <label>
            Code sent to {current.email}
            <input name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
          </label>
          <button className="primary" disabled={isPending}>
            Continue
          </button>
        </>
      )}

      {current.step === 'organization' && (
        <>
          {current.organizations.map(({ id, name }) => (
            <button key={id} name="organization_id" value={id} disabled={isPending} formNoValidate>
              {name}
            </button>
          ))}
          <label>
            New organization
            <input name="organization_name" required />
          </label>
          <button className="primary" disabled={isPending}>
            Create organization
          </button>
        </>
      )}

      {current.error && <p role="alert">{current.error}</p>}
    </form>
  );
}
