// Next.js middleware: lets a request through when its token is genuine *and* nobody revoked it.
//
// `jose` proves who issued the token; only the control plane knows whether it still counts. Every
// request asks, so a revocation holds from its commit on; there is no cache to wait for.
//
//   npm install jose postgres
//   SUPABASE_URL       https://<ref>.supabase.co
//   SESSION_CHECK_URL  postgresql://web_checker:…@…/postgres   (a member of tenantctl_checker only)

import { createRemoteJWKSet, jwtVerify, type JWTPayload } from "jose";
import { NextResponse, type NextRequest } from "next/server";
import postgres from "postgres";

// A database connection needs Node's sockets (Next.js 15.5 and later).
export const config = { runtime: "nodejs", matcher: ["/app/:path*", "/api/:path*"] };

const issuer = `${process.env.SUPABASE_URL}/auth/v1`;
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
const plane = postgres(process.env.SESSION_CHECK_URL!, { max: 5, connect_timeout: 3 });

async function claimsOf(request: NextRequest): Promise<JWTPayload> {
  const token = request.headers.get("authorization")?.replace(/^Bearer /i, "") ?? "";
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience: "authenticated",
    algorithms: ["ES256", "RS256", "EdDSA"], // never what the token itself asks for
    requiredClaims: ["sub", "exp", "iat", "session_id"],
  });
  return payload;
}

async function counts(claims: JWTPayload): Promise<boolean> {
  // The whole token: its session where one was recorded, else tenant, user and time of issue. With
  // the hook switched on for everybody, control_plane.is_session_valid(jti) says the same, faster.
  const [row] = await plane<{ valid: boolean }[]>`
    SELECT control_plane.are_claims_valid(${plane.json(claims as never)}::jsonb) AS valid`;
  return row?.valid === true;
}

export async function middleware(request: NextRequest) {
  let claims: JWTPayload;
  try {
    claims = await claimsOf(request);
  } catch {
    return NextResponse.json({ error: "sign in" }, { status: 401 });
  }
  try {
    if (!(await counts(claims))) {
      return NextResponse.json({ error: "this session was revoked" }, { status: 401 });
    }
  } catch {
    // Whoever cannot ask does not know. That is no reason to let anybody in.
    return NextResponse.json({ error: "try again" }, { status: 503 });
  }
  const headers = new Headers(request.headers);
  const { tenant_id: tenant } = (claims.app_metadata ?? {}) as { tenant_id?: string };
  headers.delete("x-tenant-id"); // what the client claims about itself is worth nothing
  if (tenant) headers.set("x-tenant-id", tenant);
  return NextResponse.next({ request: { headers } });
}
