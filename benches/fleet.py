#!/usr/bin/env python3
"""What a fleet's commands cost beside a loop of sqlx-cli, and beside bare connections.

Usage: cargo build --release && benches/fleet.py [--tenants 200] [--rounds 5] [--growth docs/fleet.svg]

In one go, with a private Postgres of its own in a temporary directory (`fsync` on; 9 MB a tenant):

  1. nothing pending: `migrate apply` beside `sqlx migrate run` in every database, one by one and
     eight at a time;
  2. `migrate status --verify` beside the same, beside bare connections with `SELECT 1`, and beside bare
     connections that send the same reads;
  3. `tenant create`, alone and eight at a time, beside psql: CREATE DATABASE, connect, write;
  4. one pending migration, a table with an index: beside sqlx-cli, and beside bare connections with the
     same SQL. The clean build and a first tenant come before, as a line of their own.

It prints medians of interleaved rounds, per tenant. Only ratios within one run mean anything.
`--growth` measures 1, 2 and 4 at 10 to 1,000 tenants and draws it.

sqlx-cli is taken from PATH or `--sqlx FILE`; it is no part of the project:

  cargo install sqlx-cli --locked --root /tmp/sqlx --no-default-features --features postgres,rustls

It works in the tenants' own databases, with seven empty migrations recorded there before anything is
measured. The bare connections are those of wire.py, from eight processes. Needs psql and xargs.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.parse

from sessions import program
from wire import Wire, spread

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src/adapters/server"
AT_ONCE = 8
ALONE = 5
SIZES = (10, 30, 100, 300, 1000)
FLEET = ("fleet", "bench")
SELECTED = ("--label", "=".join(FLEET))

IDENTITY = "SELECT tenant_id, control_plane_id FROM tenantctl.identity"
HISTORY = "SELECT version, name, applied_on, checksum FROM tenantctl.{} ORDER BY version"


def table(name):
    return f"CREATE TABLE public.{name} (id bigint PRIMARY KEY, note text);\n" \
           f"CREATE INDEX {name}_note ON public.{name} (note);\n"


class Bench:
    def __init__(self, home, options):
        self.home, self.options = pathlib.Path(home), options
        self.binary = os.path.abspath(options.tenantctl)
        self.sqlx = options.sqlx or shutil.which("sqlx") or "/tmp/sqlx/bin/sqlx"
        self.own, self.theirs = self.home / "own", self.home / "theirs"
        for folder in (self.own, self.theirs):
            folder.mkdir()
        for version in range(1, 8):
            (self.theirs / f"{version}_before.sql").write_text("SELECT 1;\n")
        self.environment = {
            "HOME": home, "PATH": os.environ["PATH"], "TENANTCTL_DATA_DIR": f"{home}/data",
            "TENANTCTL_ACTOR": "bench", "LC_ALL": "C.UTF-8", "TENANTCTL_SECRET_KEY": "01" * 32,
        }
        self.databases, self.next = [], 8

    def run(self, *words, codes=(0,)):
        done = subprocess.run([self.binary, *words], env=self.environment, cwd=self.home, text=True,
                              capture_output=True)
        if done.returncode not in codes:
            raise SystemExit(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def each(self, items, command, at_once):
        """Runs a command for every item, so many at a time, as a script would."""
        words = ["xargs", "-P", str(at_once), "-I{}", *command]
        done = subprocess.run(words, input="\n".join(items), env=self.environment, cwd=self.home,
                              text=True, capture_output=True)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout[-500:]}{done.stderr[-2000:]}")

    def start(self):
        self.run("local", "up")
        self.run("init")
        self.url = self.run("local", "url", "--reveal").strip()
        self.prefix = urllib.parse.urlsplit(self.url)._replace(path="/").geturl()
        # It makes what the others are cloned from, and gets every migration first.
        self.run("tenant", "create", "first", "--name", "Bench")
        self.run("migrate", "status", "--verify")

    def create(self, slugs, at_once, label="fleet=others"):
        command = [self.binary, "-q", "tenant", "create", "{}", "--name", "Bench", "--label", label]
        self.each(slugs, command, at_once)

    def grow(self, count):
        missing = count - len(self.databases)
        if missing > 0:
            slugs = [f"t{count}-{number}" for number in range(missing)]
            self.create(slugs, AT_ONCE, "=".join(FLEET))
        listed = json.loads(self.run("-o", "json", "tenant", "list", "--recorded"))["tenants"]
        self.databases = [it["database"] for it in listed if FLEET in it["labels"].items()]
        self.loop(AT_ONCE)

    def loop(self, at_once):
        command = [self.sqlx, "migrate", "run", "--source", str(self.theirs), "--database-url",
                   f"{self.prefix}{{}}?options=-csearch_path%3Dpublic"]
        self.each(self.databases, command, at_once)

    def floor(self, *messages):
        spread(self.url, self.databases, messages, AT_ONCE)

    def apply(self):
        self.run("migrate", "apply", *SELECTED)

    def verify(self):
        self.run("migrate", "status", *SELECTED, "--verify")

    def reads(self):
        """What `--verify` asks, in one message."""
        catalog = (SOURCE / "catalog.sql").read_text().replace("$1", "'none'").replace("$2", "NULL")
        return ";\n".join([IDENTITY, HISTORY.format("gate_history"), HISTORY.format("schema_history"),
                           (SOURCE / "exposure.sql").read_text(), catalog])

    def pending(self, times, peers=(1, AT_ONCE)):
        """One more migration for everybody, and what each way took."""
        version, self.next = self.next, self.next + 1
        (self.own / f"V{version}__bench.sql").write_text(table(f"ours_{version}"))
        self.environment["TENANTCTL_MIGRATIONS_DIR"] = str(self.own)
        timed(times, "clean build and first tenant",
              lambda: self.run("migrate", "apply", "--tenant", "first"))
        timed(times, "tenantctl", self.apply)
        for at_once in peers:
            number = version * 10 + at_once
            (self.theirs / f"{number}_bench.sql").write_text(table(f"theirs_{number}"))
            timed(times, f"sqlx, {at_once} at a time", lambda: self.loop(at_once))
        sql = f"SET ROLE tenantctl_owner; BEGIN; {table(f'floor_{version}')}; CREATE TABLE IF NOT EXISTS " \
              f"public.floor (v int); INSERT INTO public.floor VALUES ({version}); COMMIT"
        timed(times, "bare connections", lambda: self.floor(sql))

    def creates(self, times, round_):
        for at_once, count in ((1, ALONE), (AT_ONCE, 2 * AT_ONCE)):
            label = f"{at_once} at a time"
            slugs = [f"c{round_}-{at_once}-{number}" for number in range(count)]
            timed(times, f"tenantctl, {label}", lambda: self.create(slugs, at_once), count)
            psql = f"{program('psql')} -Xqv ON_ERROR_STOP=1"
            script = f"{psql} '{self.url}' -c 'CREATE DATABASE \"b-{{}}\"' && {psql} " \
                     f"'{self.prefix}b-{{}}' -c 'CREATE TABLE t (x int); INSERT INTO t VALUES (1)'"
            timed(times, f"psql, {label}",
                  lambda: self.each(slugs, ["sh", "-c", script], at_once), count)


def timed(times, name, act, count=1):
    begun = time.perf_counter()
    act()
    times.setdefault(name, []).append((time.perf_counter() - begun) * 1000 / count)


def report(title, times, count, ours="tenantctl"):
    """Medians per tenant, and how many times ours each is, pair by pair."""
    print(f"\n{title}")
    for name, values in times.items():
        pairs = sorted(value / our for value, our in zip(values, times[ours]))
        ratio = "" if name == ours else \
            f"   {statistics.median(pairs):6.2f} x ours ({pairs[0]:.2f}-{pairs[-1]:.2f})"
        print(f"  {name:30} {statistics.median(values) / count:8.2f} ms{ratio}", flush=True)


def measure(bench, options):
    bench.grow(options.tenants)
    count, rounds = len(bench.databases), options.rounds
    print(f"{count} tenants, {rounds} rounds, load {os.getloadavg()[0]:.1f}, "
          f"{os.cpu_count()} cores", flush=True)
    idle, verify, pending, create = {}, {}, {}, {}
    for round_ in range(rounds):
        timed(idle, "tenantctl", bench.apply)
        timed(verify, "tenantctl", bench.verify)
        timed(verify, "bare connections, SELECT 1", lambda: bench.floor("SELECT 1"))
        reads = bench.reads()
        timed(verify, "bare connections, its reads", lambda: bench.floor(reads))
        for at_once in (1, AT_ONCE):
            name = f"sqlx, {at_once} at a time"
            timed(idle, name, lambda: bench.loop(at_once))
            verify.setdefault(name, []).append(idle[name][-1])
    report("nothing pending, per tenant", idle, count)
    report("status --verify, per tenant", verify, count)
    for round_ in range(rounds):
        bench.creates(create, round_)
    for at_once in (1, AT_ONCE):
        label = f"{at_once} at a time"
        report(f"create a tenant, {label}",
               {name: values for name, values in create.items() if name.endswith(label)}, 1,
               f"tenantctl, {label}")
    for round_ in range(rounds):
        bench.pending(pending)
    once = pending.pop("clean build and first tenant")
    report(f"one pending, per tenant (before it, once, the clean build and the first tenant: "
           f"{statistics.median(once):.0f} ms)", pending, count)
    print(f"load {os.getloadavg()[0]:.1f}")


SERIES = (
    ("one by one", "sqlx-cli, one by one, nothing pending", "#b45309"),
    ("at once", "sqlx-cli, eight at a time, nothing pending", "#d97706"),
    ("pending", "tenantctl migrate apply, one pending", "#1d4ed8"),
    ("verify", "tenantctl migrate status --verify", "#0891b2"),
    ("idle", "tenantctl migrate apply, nothing pending", "#15803d"),
)


def growth(bench, file, sizes):
    points = {name: [] for name, _, _ in SERIES}
    for size in sizes:
        bench.grow(size)
        bench.apply()
        times = {}
        for _ in range(3):
            timed(times, "idle", bench.apply)
            timed(times, "verify", bench.verify)
        timed(times, "at once", lambda: bench.loop(AT_ONCE))
        timed(times, "one by one", lambda: bench.loop(1))
        pending = {}
        bench.pending(pending, peers=())
        times["pending"] = pending["tenantctl"]
        for name, values in times.items():
            points[name].append((size, statistics.median(values)))
        print(size, {name: round(values[-1][1]) for name, values in points.items()}, flush=True)
        if len(points["idle"]) > 1:
            pathlib.Path(file).write_text(drawing(points, [size for size, _ in points["idle"]]))


def drawing(points, sizes):
    """A log-log plot, small enough to be read as text."""
    from math import log10
    left, top, width, height = 70, 20, 400, 300
    low, high = 10, 10 ** 5
    at_x = lambda size: left + width * (log10(size) - log10(sizes[0])) / (
        log10(sizes[-1]) - log10(sizes[0]))
    at_y = lambda ms: top + height * (1 - (log10(ms) - log10(low)) / (log10(high) - log10(low)))
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 380" font-family="sans-serif" '
        'font-size="12">',
        '<title>How long a fleet\'s commands take, as it grows</title>',
        '<rect width="800" height="380" fill="#ffffff"/>',
    ]
    for ms, label in ((10, "10 ms"), (100, "0.1 s"), (1000, "1 s"), (10 ** 4, "10 s"), (10 ** 5, "100 s")):
        y = at_y(ms)
        out.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.0f}" y2="{y:.0f}" stroke="#e5e7eb"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end" fill="#374151">{label}</text>')
    for size in sizes:
        out.append(f'<text x="{at_x(size):.0f}" y="{top + height + 18}" text-anchor="middle" '
                   f'fill="#374151">{size:,}</text>')
    out.append(f'<text x="{left + width / 2:.0f}" y="{top + height + 40}" text-anchor="middle" '
               f'fill="#374151">tenants</text>')
    ends = sorted((at_y(points[name][-1][1]), name, label, colour) for name, label, colour in SERIES)
    text_y = 0
    for y, name, label, colour in ends:
        text_y = max(y + 4, text_y + 16)
        line = " ".join(f"{at_x(size):.0f},{at_y(max(ms, low)):.0f}" for size, ms in points[name])
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{left + width + 10}" y="{text_y:.0f}" fill="{colour}">{label}: '
                   f'{points[name][-1][1] / 1000:.2f} s</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sqlx", help="the program, when it is not on PATH")
    parser.add_argument("--growth", metavar="SVG", help="measure growth instead, and draw it there")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="the largest fleet of --growth")
    parser.add_argument("tenantctl", nargs="?", default="target/release/tenantctl")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        bench = Bench(home, options)
        try:
            bench.start()
            if options.growth:
                growth(bench, options.growth, [size for size in SIZES if size <= options.largest])
            else:
                measure(bench, options)
        finally:
            bench.run("local", "destroy", "--yes", codes=range(256))


if __name__ == "__main__":
    main()
