#!/usr/bin/env python3
"""What a lockdown of a million sessions costs, and what asking for one session costs.

Usage: cargo build --release && benches/sessions.py [--rows 3000000] [--rounds 5] [TENANTCTL]

In one go, with a private Postgres of its own in a temporary directory (2 GB at three million rows,
a third of them one tenant's; a few minutes, most of it loading):

  1. `is_session_valid` and `are_claims_valid` beside a look-up by primary key by the same client,
     prepared: alone, with four clients at once, and while rows are being refreshed;
  2. from the start of `lockdown` to the first refusal that a client which keeps asking sees, and to
     the end of the process, for the tenant with a million sessions and for one with ten, beside a
     psql that updates one row; and the process of `session revoke --tenant` for both;
  3. clients in a loop that is cut off: what each still got after it had seen the lock.

It prints medians of interleaved rounds. Only ratios within one run mean anything. Needs `psql` and
`pgbench`.
"""

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

USER = "00000000-0000-4000-8000-000000000001"


def program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name) or name


class Client:
    """A client with one open connection, which asks and waits for the answer."""

    def __init__(self, url):
        command = [program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", url]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, sql):
        self.process.stdin.write(f"{sql};\n\\echo .\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != ".":
            if not line and self.process.poll() is not None:
                raise SystemExit(f"psql ended at: {sql}")
            lines.append(line)
        return "\n".join(lines)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=3_000_000)
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
            measure(options, run, run("local", "url", "--reveal").strip())
        finally:
            run("local", "destroy", "--yes", codes=range(256))


def measure(options, run, url):
    rows, rounds = options.rows, options.rounds
    client = Client(url)
    ids = {}
    for slug in ("big", "small", "others"):
        run("tenant", "create", slug, "--name", slug, "--no-migrate")
        ids[slug] = client.ask(
            f"SELECT tenant_id FROM control_plane.tenant_metadata WHERE slug = '{slug}'")
    for slug, prefix, first, last in (
        ("big", "s", 1, rows // 3), ("others", "s", rows // 3 + 1, rows), ("small", "t", 1, 10)
    ):
        client.ask(f"""
            INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by)
            SELECT md5('{slug}' || n)::uuid, '{ids[slug]}', 'auth' FROM generate_series(0, 9999) n""")
        client.ask(f"""
            INSERT INTO control_plane.sessions (jti, session_id, user_id, tenant_id, tenant_epoch,
                user_epoch, issued_at, expires_at)
            SELECT '{prefix}' || n, '{prefix}' || n, md5('{slug}' || n % 10000)::uuid, '{ids[slug]}',
                1, 1, now(), now() + interval '1 d'
            FROM generate_series({first}, {last}) n""")
    for table in ("sessions", "user_mappings", "tenant_metadata"):
        client.ask(f"VACUUM ANALYZE control_plane.{table}")
    print(f"{rows} sessions, {rows // 3} of them the tenant's; {rounds} rounds")

    checks(url, rows, rounds, "alone")
    checks(url, rows, rounds, "four clients", clients=4)
    stop = threading.Event()
    refreshing = threading.Thread(target=refresh, args=(url, ids["others"], stop))
    refreshing.start()
    checks(url, rows, rounds, "while rows are refreshed")
    stop.set()
    refreshing.join()
    lockdowns(run, url, client, rounds)
    cut_off(run, url, client)
    client.close()


def refresh(url, tenant, stop):
    """Writes to rows in batches of 5,000, again and again, as many refreshes would."""
    client, low = Client(url), 0
    while not stop.is_set():
        client.ask(f"""
            UPDATE control_plane.sessions SET last_seen_at = clock_timestamp()
            WHERE jti IN (SELECT jti FROM control_plane.sessions WHERE tenant_id = '{tenant}'
                ORDER BY tenant_id, user_id, issued_at OFFSET {low} LIMIT 5000)""")
        low = (low + 5000) % 200_000
    client.close()


def checks(url, rows, rounds, when, clients=1):
    """A look-up by primary key beside the judgement, prepared."""
    scripts = {
        "plain": "SELECT revoked_at IS NULL AND expires_at > now() FROM control_plane.sessions "
                 "WHERE jti = 's' || :n;",
        "row": "SELECT * FROM control_plane.sessions WHERE jti = 's' || :n;",
        "valid": "SELECT control_plane.is_session_valid('s' || :n);",
        "claims": "SELECT control_plane.are_claims_valid(jsonb_build_object('jti', 's' || :n, "
                  "'app_metadata', '{}'::jsonb));",
    }
    times = {name: [] for name in scripts}
    for round_ in range(rounds + 1):
        for name, sql in scripts.items():
            with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
                file.write(f"\\set n random(1, {rows})\n{sql}\n")
                file.flush()
                command = [program("pgbench"), "-n", "-M", "prepared", "-T", "2", "-c", str(clients),
                           "-f", file.name, url]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            if round_:  # The first warms up.
                line = next(line for line in said.splitlines() if "latency average" in line)
                times[name].append(float(line.split()[3]) * 1000)
    plain = statistics.median(times["plain"])
    print(f"{when}: primary key {plain:.0f} us")
    for name, label in (("row", "the whole row by it"), ("valid", "is_session_valid"),
                        ("claims", "are_claims_valid")):
        middle = statistics.median(times[name])
        pairs = [a / b for a, b in zip(times[name], times["plain"])]
        print(f"  {label} {middle:.0f} us, {statistics.median(pairs):.2f} x "
              f"({min(pairs):.2f}-{max(pairs):.2f})")


def lockdowns(run, url, client, rounds):
    """From the start of the command to the first refusal, seen by a client that keeps asking."""
    times = {"big": [], "small": [], "update": []}
    whole = {name: {"big": [], "small": []} for name in ("lockdown", "session revoke --tenant")}
    for round_ in range(rounds):
        for slug in ("small", "big"):
            # In the first round a million are valid; after it one that was issued since.
            jti = f"{slug}{round_}"
            client.ask(f"""
                SELECT FROM control_plane.record_session('{jti}', '{USER}', (SELECT tenant_id
                    FROM control_plane.tenant_metadata WHERE slug = '{slug}'), '1 h', NULL, NULL,
                    '{{}}')""")
            assert client.ask(f"SELECT control_plane.is_session_valid('{jti}')") == "t"
            begun = time.perf_counter()
            answer = {}
            thread = threading.Thread(target=lambda: answer.update(
                json.loads(run("-o", "json", "lockdown", slug, "--reason", "bench", codes=(0, 12)))))
            thread.start()
            while client.ask(f"SELECT control_plane.is_session_valid('{jti}')") == "t":
                pass
            times[slug].append((time.perf_counter() - begun) * 1000)
            thread.join()
            whole["lockdown"][slug].append((time.perf_counter() - begun) * 1000)
            assert answer["proven"], answer
            run("unlock", slug, "--reason", "bench", "--yes")
            begun = time.perf_counter()
            run("session", "revoke", "--tenant", slug, "--reason", "bench", "--yes")
            whole["session revoke --tenant"][slug].append((time.perf_counter() - begun) * 1000)
        # The same for one row: a program that starts, connects and updates it.
        command = [program("psql"), "-Xqc",
                   f"UPDATE control_plane.sessions SET device = 'x{round_}' WHERE jti = 's1'", url]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        times["update"].append((time.perf_counter() - begun) * 1000)
    middle = {name: statistics.median(values) for name, values in times.items()}
    print(f"from `lockdown` to the first refusal: {middle['big']:.1f} ms (the first round, all "
          f"valid: {times['big'][0]:.1f}); with ten sessions {middle['small']:.1f} ms "
          f"({times['small'][0]:.1f}): {middle['big'] / middle['small']:.2f} x")
    print(f"  psql that updates one row {middle['update']:.1f} ms: "
          f"{middle['big'] / middle['update']:.2f} x")
    for name, slugs in whole.items():
        big, small = (statistics.median(slugs[slug]) for slug in ("big", "small"))
        print(f"the whole process of `{name}`: {big:.0f} ms (the first round, all valid: "
              f"{slugs['big'][0]:.0f}); with ten sessions {small:.0f} ms: {big / small:.2f} x")


def cut_off(run, url, client, clients=4):
    """Clients that look at the lock and then ask: whoever has seen it gets nothing any more."""
    client.ask(f"""
        SELECT FROM control_plane.record_session('looped', '{USER}', (SELECT tenant_id
            FROM control_plane.tenant_metadata WHERE slug = 'big'), '1 h', NULL, NULL, '{{}}')""")
    stop, counts = threading.Event(), []

    def loop():
        asking, before, after, through = Client(url), 0, 0, 0
        while not stop.is_set():
            is_locked = asking.ask("SELECT locked_at IS NOT NULL FROM control_plane.tenant_metadata "
                                   "WHERE slug = 'big'") == "t"
            is_valid = asking.ask("SELECT control_plane.is_session_valid('looped')") == "t"
            before += is_valid and not is_locked
            after += is_locked
            through += is_valid and is_locked
        asking.close()
        counts.append((before, after, through))

    threads = [threading.Thread(target=loop) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    run("lockdown", "big", "--reason", "bench")
    stop.set()
    for thread in threads:
        thread.join()
    before, after, through = (sum(column) for column in zip(*counts))
    print(f"{clients} clients in a loop: {before} requests let through before the lock, "
          f"{after} asked after it, of which let through: {through}")
    assert before and after and not through


if __name__ == "__main__":
    main()
