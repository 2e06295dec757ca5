#!/usr/bin/env python3
"""Compares fsot with PyTorch + peft, interleaved, and writes the table: what `make bench` calls.

    Benchmarks/run.py --model .models/SmolLM2-135M-Instruct.Q4_1.gguf [--rows NAME,...] [--rounds 5] [--patience 20] [--output DIR]
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import platform
import subprocess
import sys

import measure
import table
from rows import ROWS

SCHEMA = "fsot.bench.step/1"


def main():
    options = arguments()
    wanted = [row for row in ROWS if any(fnmatch.fnmatch(row.name, pattern) for pattern in options.rows.split(","))]
    if not wanted:
        raise SystemExit(f"error: --rows {options.rows} names none of {', '.join(row.name for row in ROWS)}")
    measure.export_models(options.model)
    run = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(),
           "command": f"make bench BENCH_ROWS='{options.rows}' BENCH_ROUNDS={options.rounds}", "machine": machine()}
    measured = {}
    for row in wanted:
        measured[row.name] = {**compare(row, options.rounds, options.patience), "run": run}
        write(options.output, measured)
    print("\n".join(table.targets_table(list(measured.values())) + [""]
                    + table.figures_table(list(measured.values()))))


def arguments():
    parser = argparse.ArgumentParser(description="Compare fsot with PyTorch + peft.")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the model both engines run")
    parser.add_argument("--rows", default="*", help="names or patterns of rows, comma-separated; default all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=20,
                        help="seconds to wait before a measurement for the rest of the machine to be idle")
    parser.add_argument("--output", type=pathlib.Path, default=measure.ROOT / "Reports/bench")
    return parser.parse_args()


def compare(row, rounds, patience):
    """Interleaved rounds: in each, every contender once."""
    samples = {contender.label: [] for contender in row.contenders}
    for number in range(1, rounds + 1):
        for contender in row.contenders:
            measure.wait_for_quiet(patience, table.allowance(contender, os.cpu_count()))
            sample = measure.measure(row, contender)
            samples[contender.label].append(sample)
            print(f"{row.name} {number}/{rounds} {contender.label}: {sample['wall']:.1f} tokens/s, "
                  f"{sample['cpu']:.1f} per CPU second, {sample['peak'] / 1e6:.0f} MB, others {sample['others']:.2f}",
                  file=sys.stderr, flush=True)
    check_losses(row, samples)
    quiet = table.mark(row, samples)
    targets = []
    for target in row.targets:
        value, passed = table.judge(target, samples)
        targets.append({
            "of": target.of.label, "against": target.against.label if target.against else None,
            "quantity": target.quantity, "value": value, "at_least": target.at_least, "at_most": target.at_most,
            "passed": passed})
    return {"name": row.name, "title": row.title, "quiet_rounds": quiet, "targets": targets, "samples": samples}


def check_losses(row, samples):
    """Contenders that disagree on the first loss did not do the same work."""
    losses = {label: s[0]["first_loss"] for label, s in samples.items() if s[0]["first_loss"] is not None}
    tolerance = 1e-3 if all(contender.compute == "f32" for contender in row.contenders) else 3e-2
    if losses and max(losses.values()) - min(losses.values()) > tolerance * abs(max(losses.values())):
        raise SystemExit(f"error: {row.name}: the first losses differ: {losses}")


def write(folder, measured):
    """Replaces the rows that were measured; the others keep the figures of their own run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "step.json"
    known = {row["name"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    known.update(measured)
    results = [known[row.name] for row in ROWS if row.name in known]
    replace(path, json.dumps({"schema": SCHEMA, "rows": results}, indent=1, ensure_ascii=False) + "\n")
    replace(folder / "README.md", table.page(results))


def replace(path, text):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", str(measure.ROOT), *words], capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "Sources", "Benchmarks", "Package.swift")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    def value(key):
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    overrides = [f"{name}={os.environ[name]}" for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    system = next((line.split("=", 1)[1].strip('"') for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                   if line.startswith("PRETTY_NAME=")), platform.system())
    features = [name for name in ("avx2", "avx512f", "avx512_bf16") if name in value("flags").split()]
    return ", ".join([f"{os.cpu_count()} × {value('model name')} (family {value('cpu family')}, model {value('model')})",
                      " ".join(features), f"{memory:.0f} GiB", system, f"kernel {platform.release()}", *overrides])


if __name__ == "__main__":
    main()
