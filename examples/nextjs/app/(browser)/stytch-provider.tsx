'use client';

import { createStytchB2BClient, StytchB2BProvider, type StytchClientOptions } from '@stytch/nextjs/b2b';

const url = process.env.NEXT_PUBLIC_OSTIARY_URL!;

// `customBaseUrl` is the documented way to name a server, but it always means https on port 443.
// `endpoints` takes the URL as it stands; the published types leave it out, hence the cast.
const options = url.startsWith('https://')
  ? { customBaseUrl: url }
  : ({ endpoints: { testAPIURL: url, liveAPIURL: url } } as StytchClientOptions);

const stytch = createStytchB2BClient(process.env.NEXT_PUBLIC_STYTCH_PUBLIC_TOKEN!, options);

export function StytchProvider({ children }: { children: React.ReactNode }) {
  return <StytchB2BProvider stytch={stytch}>{children}</StytchB2BProvider>;
}
