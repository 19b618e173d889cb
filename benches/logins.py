#!/usr/bin/env python3
"""What a login and a judgement cost beside Supabase Auth, and a lockdown of many members.

Run it from the repository's root after `cargo build --release`: `python3 benches/logins.py`. It makes
a Postgres of its own, puts tables in the shape of Auth's beside the control plane, and measures

  1. the judgement on a token, prepared, beside a look-up of the session by its primary key: recorded
     (`is_session_valid`, `claims_state`), and without a record;
  2. a refresh as Auth does it, one transaction: its own UPDATE alone, with a hook that does nothing,
     and with ours;
  3. `lockdown` of a tenant with many members, each signed in: the whole process and each layer.

It prints medians of interleaved rounds. Only ratios within one run mean anything. Needs `psql` and
`pgbench`.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

from sessions import Client, program

AUTH = """
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, banned_until timestamptz, raw_app_meta_data jsonb,
        email_confirmed_at timestamptz, phone_confirmed_at timestamptz,
        confirmation_token text DEFAULT '', recovery_token text DEFAULT '',
        email_change_token_new text DEFAULT '', email_change_token_current text DEFAULT '',
        phone_change_token text DEFAULT '', reauthentication_token text DEFAULT '');
    CREATE TABLE auth.sessions (id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
        created_at timestamptz, refreshed_at timestamp);
    CREATE INDEX ON auth.sessions (user_id);
    CREATE TABLE auth.refresh_tokens (id bigserial PRIMARY KEY,
        session_id uuid REFERENCES auth.sessions ON DELETE CASCADE, revoked boolean);
    CREATE INDEX ON auth.refresh_tokens (session_id, revoked);
    CREATE FUNCTION public.empty_hook(event jsonb) RETURNS jsonb LANGUAGE plpgsql AS
        'BEGIN RETURN jsonb_build_object(''claims'', event -> ''claims''); END'"""

# The same token four ways; `{session}` and `{user}` are SQL.
CLAIMS = """jsonb_build_object('sub', {user}, 'iat', :at::bigint, 'exp', :at::bigint + 3600, 'role', 'authenticated',
    'session_id', {session}, 'aal', 'aal1', 'email', 'a@b.c', 'amr', jsonb_build_array(
        jsonb_build_object('method', 'password', 'timestamp', :at::bigint - 600)),
    'app_metadata', jsonb_build_object('tenant_id', '{tenant}', 'provider', 'email'))"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("tenantctl", nargs="?", default="target/release/tenantctl")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        environment = {
            "HOME": home, "PATH": os.environ["PATH"], "TENANTCTL_DATA_DIR": f"{home}/data",
            "TENANTCTL_ACTOR": "bench", "LC_ALL": "C.UTF-8", "TENANTCTL_SECRET_KEY": "01" * 32,
        }
        binary = os.path.abspath(options.tenantctl)

        def run(*words, codes=(0,)):
            done = subprocess.run([binary, *words], env=environment, cwd=home, text=True,
                                  capture_output=True)
            if done.returncode not in codes:
                raise SystemExit(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
            return done.stdout

        run("local", "up")
        try:
            run("init")
            url = run("local", "url", "--reveal").strip()
            client = Client(url)
            client.ask(AUTH)
            run("init")  # Its triggers.
            measure(options, run, url, client)
            client.close()
        finally:
            run("local", "destroy", "--yes", codes=range(256))


def measure(options, run, url, client):
    ids = {}
    for slug in ("acme", "crowd"):
        run("tenant", "create", slug, "--name", slug, "--no-migrate")
        ids[slug] = client.ask(
            f"SELECT tenant_id FROM control_plane.tenant_metadata WHERE slug = '{slug}'")
    fill(client, ids["acme"], "s", options.rows, 10_000)
    fill(client, ids["crowd"], "c", options.members, options.members)
    for table in ("control_plane.sessions", "control_plane.user_mappings", "auth.users",
                  "auth.sessions"):
        client.ask(f"VACUUM ANALYZE {table}")
    print(f"{options.rows} sessions of 10000 users, and a tenant of {options.members}; "
          f"{options.rounds} rounds; load {os.getloadavg()[0]:.1f}")
    judgements(url, options, ids["acme"])
    refreshes(url, options, ids["acme"])
    lockdowns(run, client, options, ids["crowd"])


def fill(client, tenant, prefix, sessions, users):
    """Sessions as the hook records them, each signed in at Auth."""
    user = f"md5('{prefix}u' || n % {users})::uuid"
    claim = json.dumps({"tenant_id": tenant})
    for sql in (
        f"INSERT INTO auth.users (id, raw_app_meta_data) SELECT {user}, '{claim}' "
        f"FROM generate_series(0, {users - 1}) n",
        f"INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by) "
        f"SELECT {user}, '{tenant}', 'auth' FROM generate_series(0, {users - 1}) n",
        f"INSERT INTO control_plane.sessions (jti, session_id, user_id, tenant_id, tenant_epoch, "
        f"user_epoch, issued_at, expires_at) SELECT md5('{prefix}j' || n)::uuid, "
        f"md5('{prefix}' || n)::uuid, {user}, '{tenant}', 1, 1, now(), now() + interval '1 d' "
        f"FROM generate_series(1, {sessions}) n",
    ):
        client.ask(sql)
    sign_in(client, prefix, sessions, users)


def sign_in(client, prefix, sessions, users):
    client.ask(f"INSERT INTO auth.sessions (id, user_id, created_at) SELECT md5('{prefix}' || n)::uuid, "
               f"md5('{prefix}u' || n % {users})::uuid, now() FROM generate_series(1, {sessions}) n")
    client.ask(f"INSERT INTO auth.refresh_tokens (session_id, revoked) "
               f"SELECT md5('{prefix}' || n)::uuid, false FROM generate_series(1, {sessions}) n")


def bench(url, scripts, rounds):
    """Milliseconds of each script in each round, by pgbench, one client."""
    times = {name: [] for name in scripts}
    for round_ in range(rounds + 1):
        for name, sql in scripts.items():
            with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
                file.write(sql)
                file.flush()
                command = [program("pgbench"), "-n", "-M", "prepared", "-T", "2", "-D",
                           f"at={int(time.time())}", "-f", file.name, url]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            if round_:  # The first warms up.
                line = next(line for line in said.splitlines() if "latency average" in line)
                times[name].append(float(line.split()[3]))
    return times


def show(times, base):
    for name, values in times.items():
        pairs = [a / b for a, b in zip(values, times[base])]
        print(f"  {name}: {statistics.median(values) * 1000:.0f} us, {statistics.median(pairs):.2f} x "
              f"({min(pairs):.2f}-{max(pairs):.2f})")


def judgements(url, options, tenant):
    user = "(md5('su' || :n % 10000)::uuid)"
    claims = CLAIMS.format(user=user, session="{session}", tenant=tenant)
    recorded = claims.replace("{session}", "md5('s' || :n)::uuid")
    with_jti = f"jsonb_build_object('jti', md5('sj' || :n)::uuid, 'tenant_epoch', 1) || {recorded}"
    unrecorded = claims.replace("{session}", "md5('x' || :n)::uuid")
    scripts = {
        "primary key": "SELECT revoked_at IS NULL AND expires_at > now() FROM control_plane.sessions "
                       "WHERE jti = md5('sj' || :n)::uuid::text",
        "is_session_valid": "SELECT control_plane.is_session_valid(md5('sj' || :n)::uuid::text)",
        "making the claims": f"SELECT {with_jti}",
        "claims_state, recorded": f"SELECT control_plane.claims_state({with_jti})",
        "claims_state, by session_id": f"SELECT control_plane.claims_state({recorded})",
        "claims_state, no record": f"SELECT control_plane.claims_state({unrecorded})",
        "are_claims_valid, recorded": f"SELECT control_plane.are_claims_valid({with_jti})",
    }
    scripts = {name: f"\\set n random(1, {options.rows})\n{sql};\n" for name, sql in scripts.items()}
    print("a judgement:")
    show(bench(url, scripts, options.rounds), "primary key")


def refreshes(url, options, tenant):
    claims = CLAIMS.format(user="(md5('su' || :n % 10000)::uuid)", session="md5('s' || :n)::uuid",
                           tenant=tenant)
    event = (f"jsonb_build_object('user_id', md5('su' || :n % 10000)::uuid, 'authentication_method', "
             f"'token_refresh', 'claims', {claims})")
    own = ("BEGIN;\nUPDATE auth.sessions SET refreshed_at = now() WHERE id = md5('s' || :n)::uuid;\n"
           "SELECT {};\nCOMMIT;\n")
    scripts = {
        "without a hook": own.format(event),
        "a hook that does nothing": own.format(f"public.empty_hook({event})"),
        "ours": own.format(f"control_plane.custom_access_token_hook({event})"),
    }
    scripts = {name: f"\\set n random(1, {options.rows})\n{sql}" for name, sql in scripts.items()}
    print("a refresh:")
    show(bench(url, scripts, options.rounds), "without a hook")


def lockdowns(run, client, options, tenant):
    whole, layers, unlocked = [], {}, []
    for _ in range(options.rounds):
        begun = time.perf_counter()
        said = json.loads(run("-o", "json", "lockdown", "crowd", "--reason", "bench", codes=(0, 12)))
        whole.append(time.perf_counter() - begun)
        for layer in said["layers"]:
            layers.setdefault(layer["layer"], []).append(layer["elapsed_ms"])
        banned = client.ask("SELECT count(*) FROM auth.users WHERE banned_until > now()")
        left = client.ask(f"SELECT count(*) FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id "
                          f"WHERE u.raw_app_meta_data ->> 'tenant_id' = '{tenant}'")
        assert (int(banned), int(left)) == (options.members, 0), (banned, left)
        begun = time.perf_counter()
        run("unlock", "crowd", "--reason", "bench", "--yes")
        unlocked.append(time.perf_counter() - begun)
        sign_in(client, "c", options.members, options.members)
    print(f"lockdown of {options.members} members: {statistics.median(whole):.1f} s, unlock "
          f"{statistics.median(unlocked):.1f} s; load {os.getloadavg()[0]:.1f}; of the lockdown")
    for layer, values in layers.items():
        print(f"  {layer}: {statistics.median(values):.0f} ms")


if __name__ == "__main__":
    main()
