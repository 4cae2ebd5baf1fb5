'use client';

import { useRouter } from 'next/navigation';
import { useMemo } from 'react';
import { AuthFlowType, B2BProducts, StytchB2B, StytchEventType, type Callbacks } from '@stytch/nextjs/b2b';

/**
 * The pre-built sign-in form, also the page that mail links lead to: it finds the token in the address by itself.
 * Without a slug it discovers the member's organizations by email; with one it signs in to that organization.
 */
export function SignIn({ slug }: { slug?: string }) {
  const router = useRouter();

  const config = useMemo(() => {
    const redirectURL = typeof window === 'undefined' ? undefined : `${window.location.origin}/authenticate`;
    return {
      authFlowType: slug ? AuthFlowType.Organization : AuthFlowType.Discovery,
      organizationSlug: slug,
      products: [B2BProducts.emailMagicLinks, B2BProducts.emailOtp],
      emailMagicLinksOptions: {
        discoveryRedirectURL: redirectURL,
        loginRedirectURL: redirectURL,
        signupRedirectURL: redirectURL,
      },
      sessionOptions: { sessionDurationMinutes: 60 },
    };
  }, [slug]);

  const callbacks: Callbacks = {
    onEvent: ({ type }) => {
      if (type === StytchEventType.AuthenticateFlowComplete) router.replace('/');
    },
  };

  return <StytchB2B config={config} callbacks={callbacks} presentation={presentation} />;
}

/** The form wears the colours of globals.css, in light and dark. */
const presentation = {
  theme: {
    'color-scheme': 'shadcn',
    background: 'var(--surface)',
    foreground: 'var(--ink)',
    primary: 'var(--accent)',
    'primary-foreground': 'var(--on-accent)',
    secondary: 'var(--sunken)',
    'secondary-foreground': 'var(--ink)',
    muted: 'var(--sunken)',
    'muted-foreground': 'var(--ink-2)',
    border: 'var(--line)',
    input: 'var(--control)',
    ring: 'var(--accent)',
    'container-width': '100%',
    'container-radius': 'var(--radius)',
  },
} as const;
