// The page of passwords.test.mjs: the pre-built form with passwords alone until someone is signed in.
import { createRoot } from 'react-dom/client';
import {
  AuthFlowType,
  B2BProducts,
  createStytchB2BClient,
  StytchB2B,
  StytchB2BProvider,
  useStytchMember,
  useStytchMemberSession,
} from '@stytch/react/b2b';

const stytch = createStytchB2BClient(CONFIG.publicToken, CONFIG.options);
const organizationSlug = new URLSearchParams(location.search).get('slug');
const config = {
  authFlowType: organizationSlug ? AuthFlowType.Organization : AuthFlowType.Discovery,
  ...(organizationSlug && { organizationSlug }),
  products: [B2BProducts.passwords],
  passwordOptions: {
    loginRedirectURL: `${location.origin}/`,
    discoveryRedirectURL: `${location.origin}/`,
    resetPasswordRedirectURL: `${location.origin}/new-password`,
  },
  sessionOptions: { sessionDurationMinutes: 60 },
};

/** Whoever comes to set a password stays on the form until it is set, although a link has signed them in. */
function App() {
  const { member } = useStytchMember();
  const { session } = useStytchMemberSession();
  const factors = session?.authentication_factors.map(({ type }) => type) ?? [];
  if (!factors.includes('password')) return <StytchB2B config={config} />;
  return (
    <>
      <h1>{member.email_address}</h1>
      <p>{factors.join(' and ')}</p>
      <button onClick={() => stytch.session.revoke()}>Sign out</button>
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StytchB2BProvider stytch={stytch}>
    <App />
  </StytchB2BProvider>,
);
