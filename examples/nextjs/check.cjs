// Runs middleware.ts as it is written: type-checked, compiled, with real tokens and a real control
// plane. `.ci/run` calls it; by hand: node examples/nextjs/check.cjs TENANTCTL, once `.ci/setup` has
// brought Next.js, jose and postgres into target/nextjs.

const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");

const packages = path.resolve(__dirname, "../../target/nextjs");
const tenantctl = path.resolve(process.argv[2] ?? "target/debug/tenantctl");
const home = fs.mkdtempSync(path.join(os.tmpdir(), "tctl-nextjs-"));
fs.chmodSync(home, 0o755);
const environment = {
  PATH: process.env.PATH, HOME: home, TENANTCTL_DATA_DIR: path.join(home, "data"),
  TENANTCTL_ACTOR: "check", LC_ALL: "C.UTF-8",
};
const run = (...words) =>
  execFileSync(tenantctl, words, { env: environment, cwd: home, encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"] });

async function main() {
  const source = path.join(packages, "middleware.ts");
  fs.copyFileSync(path.join(__dirname, "middleware.ts"), source);
  const options = ["--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022",
    "--types", "node", "--outDir", path.join(packages, "out"), source];
  const compiler = path.join(packages, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, ...options], { cwd: packages, stdio: "inherit" });

  const need = (name) => require(require.resolve(name, { paths: [packages] }));
  const { exportJWK, generateKeyPair, SignJWT } = need("jose");
  const postgres = need("postgres");
  run("local", "up");
  run("init");
  const url = run("local", "url", "--reveal").trim();
  const owner = postgres(url, { max: 1, onnotice: () => {} });
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" };
  const auth = http.createServer((_, answer) => {
    answer.setHeader("content-type", "application/json");
    answer.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise((resolve) => auth.listen(0, "127.0.0.1", resolve));
  try {
    run("tenant", "create", "acme", "--name", "Acme", "--no-migrate");
    const [{ tenant_id }] = await owner`SELECT tenant_id FROM control_plane.tenant_metadata`;
    // The private server lets nobody but its owner connect; a Supabase project lets every login.
    await owner.unsafe("CREATE ROLE web_checker LOGIN PASSWORD 'for-this-check'; "
      + "GRANT tenantctl_checker TO web_checker; "
      + "GRANT CONNECT ON DATABASE control_plane TO web_checker");
    const checker = new URL(url);
    [checker.username, checker.password] = ["web_checker", "for-this-check"];
    process.env.SESSION_CHECK_URL = checker.href;
    process.env.SUPABASE_URL = `http://127.0.0.1:${auth.address().port}`;
    const { middleware } = require(path.join(packages, "out/middleware.js"));
    const { NextRequest } = need("next/server");

    const user = "00000000-0000-4000-8000-000000000001";
    const issue = (tenant) => JSON.parse(
      run("-o", "json", "session", "issue", "--user", user, "--tenant", tenant)).session.jti;
    const token = (jti, key = privateKey) => new SignJWT({
      session_id: jti, jti, role: "authenticated", app_metadata: { tenant_id },
    }).setProtectedHeader({ alg: "ES256", kid: "k" }).setSubject(user).setAudience("authenticated")
      .setIssuer(`${process.env.SUPABASE_URL}/auth/v1`).setIssuedAt().setExpirationTime("1h").sign(key);
    const ask = async (bearer, claimed) => {
      const headers = { "x-tenant-id": claimed ?? "" };
      if (bearer) headers.authorization = `Bearer ${bearer}`;
      const answer = await middleware(new NextRequest("https://app.example/api/x", { headers }));
      const passed = answer.headers.get("x-middleware-next") === "1";
      return [passed ? 200 : answer.status, answer.headers.get("x-middleware-request-x-tenant-id")];
    };

    const jti = issue("acme");
    assert.deepEqual(await ask(await token(jti), "another"), [200, tenant_id], "a valid session");
    assert.equal((await ask(null))[0], 401, "no token");
    const stranger = await generateKeyPair("ES256");
    assert.equal((await ask(await token(jti, stranger.privateKey)))[0], 401, "a forged token");
    assert.equal((await ask(await token("nobody's")))[0], 401, "a session nobody recorded");
    run("--yes", "session", "revoke", "--jti", jti, "--reason", "check");
    assert.equal((await ask(await token(jti)))[0], 401, "a revoked session");
    const another = issue("acme");
    assert.equal((await ask(await token(another)))[0], 200, "signed in again");
    await owner.unsafe("ALTER ROLE web_checker NOLOGIN; SELECT pg_terminate_backend(pid) "
      + "FROM pg_stat_activity WHERE usename = 'web_checker'");
    assert.equal((await ask(await token(another)))[0], 503, "nobody to ask");
    console.log("examples/nextjs/middleware.ts: checked and run");
  } finally {
    auth.close();
    await owner.end();
  }
}

main().then(() => 0, (error) => { console.error(error.stderr || error); return 1; }).then((code) => {
  try { run("local", "destroy", "--yes"); } catch { /* it never came up */ }
  fs.rmSync(home, { recursive: true, force: true });
  process.exit(code);
});
