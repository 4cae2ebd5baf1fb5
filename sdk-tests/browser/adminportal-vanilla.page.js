// The page of adminportal.test.mjs for applications without React: the same parts of the portal, mounted by
// @stytch/vanilla-js.
import { StytchB2BClient } from '@stytch/vanilla-js/b2b';
import {
  AdminPortalB2BProducts,
  mountAdminPortalMemberManagement,
  mountAdminPortalOrgSettings,
} from '@stytch/vanilla-js/b2b/adminPortal';

const stytch = new StytchB2BClient(CONFIG.publicToken, CONFIG.options);
const { emailMagicLinks, emailOtp, password } = AdminPortalB2BProducts;
const place = { client: stytch, element: '#root' };

window.stytch = stytch;
if (location.pathname === '/settings') {
  mountAdminPortalOrgSettings({ ...place, config: { allowedAuthMethods: [emailMagicLinks, emailOtp, password] } });
} else if (location.pathname === '/members') {
  mountAdminPortalMemberManagement(place);
}
