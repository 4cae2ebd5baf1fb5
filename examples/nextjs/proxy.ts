// Runs before the pages below are rendered (Next.js called this file `middleware` before version 16).
import { NextResponse, type NextRequest } from 'next/server';
import { authenticateJwt } from '@/lib/stytch-server';

export async function proxy(request: NextRequest) {
  const session = await authenticateJwt(request.cookies.get('stytch_session_jwt')?.value);
  return session ? NextResponse.next() : NextResponse.redirect(new URL('/login', request.url));
}

export const config = { matcher: '/reports/:path*' };
