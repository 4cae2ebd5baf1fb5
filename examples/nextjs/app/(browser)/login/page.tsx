'use client';

import Link from 'next/link';
import { useStytchMember } from '@stytch/nextjs/b2b';
import { SignIn } from '../sign-in';

/** Sign-in by discovery. Also shown when another tab signs in, which the hook notices. */
export default function LoginPage() {
  const { member } = useStytchMember();
  return (
    <>
      <SignIn />
      <p className="note">
        {member ? (
          <>
            You are signed in as {member.email_address}. <Link href="/">Continue</Link>
          </>
        ) : (
          <>
            The same without any browser SDK: <Link href="/backend">the backend-only variant</Link>.
          </>
        )}
      </p>
    </>
  );
}
