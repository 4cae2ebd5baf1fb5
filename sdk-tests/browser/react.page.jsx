// The page of react.test.mjs: the pre-built form until someone is signed in, then what the hooks say.
import { createRoot } from 'react-dom/client';
import {
  AuthFlowType,
  B2BProducts,
  createStytchB2BClient,
  StytchB2B,
  StytchB2BProvider,
  useStytchIsAuthorized,
  useStytchMember,
  useStytchMemberSession,
  useStytchOrganization,
} from '@stytch/react/b2b';

const stytch = createStytchB2BClient(CONFIG.publicToken, CONFIG.options);
const redirectURL = `${location.origin}/authenticate`;
const query = new URLSearchParams(location.search);
const organizationSlug = query.get('slug');
const config = {
  authFlowType: organizationSlug ? AuthFlowType.Organization : AuthFlowType.Discovery,
  ...(organizationSlug && { organizationSlug }),
  products: query.has('links-only') ? [B2BProducts.emailMagicLinks] : [B2BProducts.emailMagicLinks, B2BProducts.emailOtp],
  emailMagicLinksOptions: { discoveryRedirectURL: redirectURL, loginRedirectURL: redirectURL, signupRedirectURL: redirectURL },
  sessionOptions: { sessionDurationMinutes: 60 },
};

window.envelopes = [];

function App() {
  const { member, fromCache, isInitialized } = useStytchMember();
  const { session } = useStytchMemberSession();
  const { organization } = useStytchOrganization();
  const search = useStytchIsAuthorized('stytch.member', 'search');
  window.envelopes.push({ member: member?.email_address ?? null, fromCache, isInitialized });
  if (!session) return <StytchB2B config={config} />;
  return (
    <>
      <h1>{member.email_address}</h1>
      <p>{organization.organization_name}</p>
      <p>{search.isAuthorized ? 'may search members' : 'may not search members'}</p>
      <button onClick={() => stytch.session.revoke()}>Sign out</button>
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StytchB2BProvider stytch={stytch}>
    <App />
  </StytchB2BProvider>,
);
