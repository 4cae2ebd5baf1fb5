import { redirect } from 'next/navigation';
import { signOut } from './actions';
import { currentMember } from './session';

export default async function BackendPage() {
  const auth = await currentMember();
  if (!auth) redirect('/backend/login');

  return (
    <section className="card">
      <h1>{auth.member.name || 'Welcome'}</h1>
      <dl>
        <dt>Email</dt>
        <dd>{auth.member.email_address}</dd>
        <dt>Organization</dt>
        <dd>{auth.organization.organization_name}</dd>
      </dl>
      <form action={signOut}>
        <button>Sign out</button>
      </form>
    </section>
  );
}
