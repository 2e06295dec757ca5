"""Runs fsot and Flower's SecAgg+ client by turns and writes Reports/bench/aggregation.md.

    make build && python3 -m venv .bench-venv && .bench-venv/bin/pip install -r Benchmarks/aggregation/requirements.txt
    .bench-venv/bin/python Benchmarks/aggregation/compare.py --fsot .build/release/fsot --rounds 3
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPORT = HERE.parents[1] / "Reports" / "bench" / "aggregation.md"


def measure(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def verdict(value, target, fits):
    return f"{value} | {target} | {'pass' if fits else 'FAIL'}"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fsot", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--participants", type=int, default=100)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--dropout", type=float, default=0.1)
    options = parser.parse_args()
    flags = []
    for name in ("participants", "parameters", "dropout"):
        flags += [f"--{name}", str(getattr(options, name))]

    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(measure([options.fsot, "bench", "aggregation", "--json", "--quiet", *flags]))
        theirs.append(measure([sys.executable, str(HERE / "flower_client.py"), *flags]))
        print(f"fsot {ours[-1]['client_cpu_s']:.3f} s, flwr {theirs[-1]['client_cpu_s']:.3f} s", file=sys.stderr)
    assert all(run["exact"] for run in ours)
    wide = measure(
        [options.fsot, "bench", "aggregation", "--json", "--quiet", "--participants", "3", "--parameters", "14000000"]
        + ["--dropout", "0"]
    )
    accuracy = measure([options.fsot, "bench", "aggregation", "--accuracy", "--json", "--quiet", "--parameters", "65536"])

    client, server = median(ours, "client_cpu_s"), median(ours, "server_cpu_s")
    flower = median(theirs, "client_cpu_s")
    upload, threads = median(ours, "upload_bytes"), ours[0]["threads"]
    wall = median(ours, "server_unmask_wall_s")
    legs = [statistics.median(run["client_leg_cpu_s"][leg] for run in ours) for leg in range(6)]
    server_legs = [statistics.median(run["server_leg_cpu_s"][leg] for run in ours) for leg in range(6)]
    ratio = flower / client
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, check=True, capture_output=True, text=True
    ).stdout.strip()
    load = os.getloadavg()[0]
    n, d = options.participants, options.parameters
    lines = [
        "# Secure aggregation: cost and accuracy",
        "",
        f"Made by `Benchmarks/aggregation/compare.py --rounds {options.rounds}` at commit {commit} on "
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC: {processor()}, {threads} cores, load average {load:.1f}. "
        "Both sides run by turns; a figure is the median of the rounds, seconds are CPU seconds of all threads.",
        "",
        f"One round of {n} participants with {d} coordinates of 32 bits; {ours[0]['dropouts']} drop out after they have shared "
        "their secrets. fsot plays the whole round with every message as bytes; of Flower one client of SecAgg+ is run through its own "
        "four stages, full graph, same threshold.",
        "",
        "| quantity | value | target | |",
        "|---|---|---|---|",
        f"| the sum is that of the vectors, word for word | {verdict('yes', 'yes', True)} |",
        f"| CPU of a participant, R0 … R5 | {verdict(f'{client:.3f} s', '≤ 0.45 s', client <= 0.45)} |",
        f"| upload of a participant | {verdict(f'{upload / 1e6:.2f} MB', '≤ 4.1 MB', upload <= 4.1e6)} |",
        f"| CPU of the coordinator | {verdict(f'{server:.2f} s', '≤ 6 s', server <= 6)} |",
        f"| CPU of a client of flwr {theirs[0]['version']} | {flower:.3f} s | | |",
        f"| flwr / fsot, CPU of a client | {verdict(f'{ratio:.1f}×', '≥ 5×', ratio >= 5)} |",
        f"| upload of a client of flwr (64-bit words) | {median(theirs, 'upload_bytes') / 1e6:.2f} MB | | |",
        f"| unmasking on the clock, {threads} threads (CPU: R4 below) | {wall:.2f} s | | |",
        f"| peak memory, all {n} participants and the coordinator in one process | {median(ours, 'peak_rss_bytes') / 2**20:.0f} MiB | | |",
        "",
        "| CPU seconds | R0 | R1 | R2 | R3 | R4 | R5 |",
        "|---|---|---|---|---|---|---|",
        "| a participant | " + " | ".join(f"{leg:.3f}" for leg in legs) + " |",
        "| the coordinator | " + " | ".join(f"{leg:.3f}" for leg in server_legs) + " |",
        "",
        f"Three participants with 14 000 000 coordinates: {wide['client_cpu_s']:.2f} s a participant, {wide['server_cpu_s']:.2f} s the coordinator.",
        "",
        "Not the same work: SA1's participant also signs and checks every message of its peers, agrees on the survivors, and draws its masks from "
        "ChaCha20 under 256-bit keys; Flower's masks come from a Mersenne twister with a seed of at most 32 bits. Flower's share of "
        "serialisation is not counted, SA1's is.",
        "",
        "## What quantisation costs",
        "",
        f"`fsot bench aggregation --accuracy --parameters {accuracy[0]['parameters']}`: the decoded mean against the exact one, updates of Student's distribution "
        "with 3 degrees of freedom (half of each common to all), clip = the largest norm. *Error*: root mean square over that of the mean.",
        "",
        "| participants | bits | rounding | mean squared error | error |",
        "|---|---|---|---|---|",
    ]
    for row in accuracy:
        lines.append(
            f"| {row['participants']} | {row['bits']} | {'rotated' if row['isRotated'] else 'plain'} | {row['meanSquaredError']:.2e} "
            f"| {100 * row['relativeError']:.2g} % |"
        )
    REPORT.write_text("\n".join(lines) + "\n")
    print(f"flwr / fsot: {ratio:.1f}×; wrote {REPORT}", file=sys.stderr)


main()
