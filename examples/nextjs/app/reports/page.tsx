import Link from 'next/link';

/** Reached only with a session: `proxy.ts` has checked its JWT. */
export default function ReportsPage() {
  return (
    <section className="card">
      <h1>Reports</h1>
      <p>The proxy let you in by your session JWT.</p>
      <Link href="/">Back</Link>
    </section>
  );
}
