// The peer: tokens verified with node's `jose`. `benches/verify.py` installs it and runs this.
//
//   mint DIR               writes keys.json and token, ES256, good for an hour
//   once KEYS TOKEN        reads both and reaches one verdict, as a script would
//   calls N KEYS TOKEN     prints the microseconds of one of N calls, with the keys at hand

import { readFileSync, writeFileSync } from "node:fs";
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";

const ISSUER = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";

const [mode, ...rest] = process.argv.slice(2);
if (mode === "mint") {
  await mint(...rest);
} else {
  const [keys, path] = rest.slice(-2);
  const set = createLocalJWKSet(JSON.parse(readFileSync(keys, "utf8")));
  const token = readFileSync(path, "utf8").trim();
  const options = { issuer: ISSUER, audience: "authenticated", requiredClaims: ["exp", "iat", "sub"] };
  const verify = () => jwtVerify(token, set, options);
  if (mode === "once") {
    await verify();
    console.log("valid");
  } else {
    const calls = Number(rest[0]);
    for (let warm = 0; warm < 1000; warm++) await verify();
    const started = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) await verify();
    console.log(Number(process.hrtime.bigint() - started) / 1e3 / calls);
  }
}

async function mint(directory) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" };
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({
    role: "authenticated",
    aal: "aal1",
    session_id: "dddddddd-0000-4000-8000-000000000004",
    app_metadata: { provider: "email", tenant_id: "cccccccc-0000-4000-8000-000000000003" },
  })
    .setProtectedHeader({ alg: "ES256", kid: "k", typ: "JWT" })
    .setIssuer(ISSUER)
    .setAudience("authenticated")
    .setSubject("aaaaaaaa-0000-4000-8000-000000000001")
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(privateKey);
  writeFileSync(`${directory}/keys.json`, JSON.stringify({ keys: [jwk] }));
  writeFileSync(`${directory}/token`, token);
}
