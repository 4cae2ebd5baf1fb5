import { SignIn } from '../../sign-in';

/** Sign-in to one organization, for instance /login/northwind. */
export default async function OrganizationLoginPage({ params }: { params: Promise<{ slug: string }> }) {
  return <SignIn slug={(await params).slug} />;
}
