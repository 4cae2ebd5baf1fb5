// The page of adminportal.test.mjs: the parts of the admin portal for an organization's settings and its members, each at
// a path of its own. The client is a global, so that a test can sign somebody in and call what the portal does not offer.
import { createRoot } from 'react-dom/client';
import { createStytchB2BClient, StytchB2BProvider } from '@stytch/react/b2b';
import { AdminPortalB2BProducts, AdminPortalMemberManagement, AdminPortalOrgSettings } from '@stytch/react/b2b/adminPortal';

const stytch = createStytchB2BClient(CONFIG.publicToken, CONFIG.options);
const { emailMagicLinks, emailOtp, password } = AdminPortalB2BProducts;
const pages = {
  '/settings': <AdminPortalOrgSettings config={{ allowedAuthMethods: [emailMagicLinks, emailOtp, password] }} />,
  '/members': <AdminPortalMemberManagement />,
};

window.stytch = stytch;
createRoot(document.getElementById('root')).render(
  <StytchB2BProvider stytch={stytch}>{pages[location.pathname] ?? <h1>Welcome</h1>}</StytchB2BProvider>,
);
