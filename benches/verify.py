#!/usr/bin/env python3
"""What a verdict on a token costs, beside node's `jose`: the whole process, then the call alone.

Run it from the repository's root: `python3 benches/verify.py`. It builds what it measures, installs
the peer under `target/`, and interleaves the runs; only the ratios are worth keeping. The processes
find their keys on disk: ours in its copy of what an endpoint said, the peer in a file.
"""

import http.server
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

JOSE = "6.2.18"
ISSUER = "https://abcdefghijklmnopqrst.supabase.co/auth/v1"
ROUNDS, RUNS = 7, 10


def build():
    subprocess.run(["cargo", "bench", "--locked", "--no-run", "--bench", "token"], check=True)
    peer = pathlib.Path("target/peer").absolute()
    peer.mkdir(parents=True, exist_ok=True)
    shutil.copy("benches/jose.mjs", peer)
    subprocess.run(
        ["npm", "install", "--prefix", peer, "--no-save", "--ignore-scripts", "--no-audit",
         "--no-fund", "--silent", f"jose@{JOSE}"],
        check=True,
    )
    return pathlib.Path("target/release/tenantctl").absolute(), peer / "jose.mjs"


class Keys(http.server.BaseHTTPRequestHandler):
    """Publishes the keys, and counts who asks."""

    document, asked = b"", 0

    def do_GET(self):
        Keys.asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(Keys.document)

    def log_message(self, *_):
        pass


def milliseconds(command, environment):
    started = time.perf_counter()
    for _ in range(RUNS):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000 / RUNS


def processes(ours, peer, home):
    subprocess.run(["node", peer, "mint", home], check=True)
    Keys.document = pathlib.Path(home, "keys.json").read_bytes()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "TENANTCTL_DATA_DIR": home,
        "TENANTCTL_JWKS_URL": f"http://127.0.0.1:{server.server_port}/jwks.json",
    }
    verify = [ours, "token", "verify", "--file", f"{home}/token", "--issuer", ISSUER,
              "--audience", "authenticated"]
    once = ["node", peer, "once", f"{home}/keys.json", f"{home}/token"]
    commands = [verify, [ours, "--version"], once, ["node", "-e", "0"]]
    for command in commands:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    rounds = [[milliseconds(command, environment) for command in commands] for _ in range(ROUNDS)]
    server.shutdown()
    assert Keys.asked == 1, f"the endpoint was asked {Keys.asked} times"
    ratio = statistics.median(times[2] / times[0] for times in rounds)
    mine, version, theirs, node = (statistics.median(column) for column in zip(*rounds))
    print(f"whole process: {ratio:.1f} x faster than jose {JOSE} ({mine:.2f} ms, {theirs:.2f} ms); "
          f"--version takes {version:.2f} ms, node by itself {node:.2f} ms", flush=True)


def main():
    ours, peer = build()
    with tempfile.TemporaryDirectory() as home:
        processes(ours, peer, home)
    print(f"the call alone, beside jose {JOSE} on node "
          f"{subprocess.run(['node', '--version'], capture_output=True, text=True).stdout.strip()}:",
          flush=True)
    environment = dict(os.environ, TENANTCTL_BENCH_PEER=str(peer))
    subprocess.run(["cargo", "bench", "--locked", "--bench", "token"], env=environment, check=True)


main()
