import { SignIn } from '../sign-in';

type Query = Promise<{ slug?: string }>;

/** Where mail links lead. Links of one organization carry its slug, so that a failed link offers that organization's form again. */
export default async function AuthenticatePage({ searchParams }: { searchParams: Query }) {
  return <SignIn slug={(await searchParams).slug} />;
}
