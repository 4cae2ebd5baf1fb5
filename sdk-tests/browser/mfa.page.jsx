// The page of mfa.test.mjs: the pre-built form, and what the hooks say beside it. The form stays when someone is signed
// in, since it has recovery codes to show after that.
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
  products: [B2BProducts.emailOtp],
  sessionOptions: { sessionDurationMinutes: 60 },
};

function SignedIn() {
  const { member } = useStytchMember();
  const { session } = useStytchMemberSession();
  if (!session) return null;
  return (
    <>
      <h1>{member.email_address}</h1>
      <p>{session.authentication_factors.map(({ type }) => type).join(' and ')}</p>
      <button onClick={() => stytch.session.revoke()}>Sign out</button>
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StytchB2BProvider stytch={stytch}>
    <SignedIn />
    <StytchB2B config={config} />
  </StytchB2BProvider>,
);
