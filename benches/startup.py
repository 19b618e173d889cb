#!/usr/bin/env python3
"""Whole-process time and memory of `tenantctl --version` and `--help`, beside a hello-world.

Run it from the repository's root: `python3 benches/startup.py`. It builds both in release and
interleaves the runs; only the ratios are worth keeping. Needs GNU time (the package `time`).
"""

import os
import statistics
import subprocess
import time

ROUNDS, RUNS = 7, 60


def build():
    subprocess.run(["cargo", "build", "--release", "--locked"], check=True)
    subprocess.run(
        ["cargo", "build", "--release", "--target-dir", "target/hello",
         "--manifest-path", "benches/hello/Cargo.toml"],
        check=True,
    )
    return "target/release/tenantctl", "target/hello/release/hello"


def milliseconds(command):
    started = time.perf_counter()
    for _ in range(RUNS):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000 / RUNS


def resident_mib(command):
    """The peak as GNU time tells it: a child of ours would count this interpreter's own as well."""
    timed = ["/usr/bin/time", "-f", "%M", *command]
    ran = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return round(int(ran.stderr) / 1024, 1)


def main():
    ours, hello = build()
    print(f"size: tenantctl {os.path.getsize(ours) / 1e6:.1f} MB, hello {os.path.getsize(hello) / 1e6:.1f} MB")
    for flag in ("--version", "--help"):
        ratios, times = [], []
        for _ in range(ROUNDS):
            floor, mine = milliseconds([hello, flag]), milliseconds([ours, flag])
            ratios.append(mine / floor)
            times.append((mine, floor))
        mine, floor = (statistics.median(column) for column in zip(*times))
        print(
            f"{flag}: {statistics.median(ratios):.2f} x hello "
            f"({mine:.2f} ms, {floor:.2f} ms); "
            f"resident {resident_mib([ours, flag])} MiB, {resident_mib([hello, flag])} MiB"
        )


main()
