import { StytchProvider } from './stytch-provider';

/** The pages of this group sign in with the browser SDK; those under /backend never load it. */
export default function BrowserLayout({ children }: { children: React.ReactNode }) {
  return <StytchProvider>{children}</StytchProvider>;
}
