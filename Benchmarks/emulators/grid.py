#!/usr/bin/env python3
"""Measures emulators of a model on a probe task, one cell after the other: what `make emulators` calls.

    Benchmarks/emulators/grid.py --fsot .build/release/fsot --model MODEL --data DIRECTORY [--cells NAME,...] [--work DIR]

A cell is one `fsot compress --report full`. Its small JSON goes to Reports/emulators-smollm2/cells/ as soon as it is done;
cells that are there are not measured again.
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

from cells import ABLATION, FRONTIER

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORTS = ROOT / "Reports/emulators-smollm2"
# Optimizer steps of a tuning, and records that it draws them from.
STEPS = 60


def main():
    options = arguments()
    wanted = [cell for cell in ABLATION + FRONTIER if any(fnmatch.fnmatch(cell.name, p) for p in options.cells.split(","))]
    if not wanted:
        raise SystemExit(f"error: --cells {options.cells} names no cell; see Benchmarks/emulators/cells.py")
    options.work.mkdir(parents=True, exist_ok=True)
    data = prepare(options)
    (REPORTS / "cells").mkdir(parents=True, exist_ok=True)
    for cell in wanted:
        target = REPORTS / "cells" / f"{cell.name}.json"
        if target.exists():
            print(f"{cell.name}: done already", file=sys.stderr)
            continue
        measure(cell, options, data, target)


def arguments():
    parser = argparse.ArgumentParser(description="Measure emulators on a probe task.")
    parser.add_argument("--fsot", type=pathlib.Path, default=ROOT / ".build/release/fsot")
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="a directory with gsm8k/ and dolly/")
    parser.add_argument("--cells", default="*", help="names or patterns, comma-separated; default all")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".emulators")
    return parser.parse_args()


def prepare(options):
    """The private side tunes on the first 1500 records of GSM8K's training set; the last 3000 are its public side."""
    lines = (options.data / "gsm8k/train.jsonl").read_text().splitlines(keepends=True)
    private, public = options.work / "private.jsonl", options.work / "gsm8k-public.jsonl"
    private.write_text("".join(lines[:1500]))
    public.write_text("".join(lines[-3000:]))
    return {"private": private, "test": options.data / "gsm8k/test.jsonl", "gsm8k": public,
            "dolly": options.data / "dolly/databricks-dolly-15k.sorted.jsonl"}


def measure(cell, options, data, target):
    output = options.work / cell.name
    for leftover in (output, output.with_name(cell.name + ".owner"), output.with_name(cell.name + ".partial")):
        shutil.rmtree(leftover, ignore_errors=True)
    words = [str(options.fsot), "compress", str(options.model), *shlex.split(cell.arguments), "--seed", "1",
             "--public-data", str(data[cell.text]), "--report", "full",
             "--probe-data", str(data["private"]), "--probe-test", str(data["test"]), "--probe-limit", str(cell.held_out),
             "--probe-steps", str(STEPS), "--probe-seeds", str(cell.seeds), "--probe-cache", str(options.work / "cache"),
             "--recovery-seeds", "1" if cell.recovery else "0", *shlex.split(cell.probe), "-o", str(output)]
    if cell.recovery:
        words += ["--recovery-data", str(data[cell.recovery])]
    started = time.monotonic()
    subprocess.run(words, check=True, stdout=sys.stderr)
    text = (options.work / f"{cell.name}.owner/report.json").read_text()
    # Where the data lay is this machine's business.
    for folder in (options.data, options.work):
        text = text.replace(f"{folder}/", "")
    report = json.loads(text)
    result = {"cell": cell.name, "ratio": cell.ratio, "text": cell.text, "arguments": cell.arguments, "probe": cell.probe,
              "recovery": cell.recovery,
              "held_out": cell.held_out, "steps": STEPS, "seconds": round(time.monotonic() - started),
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(),
              "report": report}
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    os.replace(partial, target)
    shutil.rmtree(output, ignore_errors=True)
    print(f"{cell.name}: {result['seconds']} s", file=sys.stderr)


def commit():
    return subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
