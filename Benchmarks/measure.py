"""Runs one contender of a row in processes of its own and reads what it prints."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "Benchmarks/.build/release/fsot-bench"
PYTHON = ROOT / ".bench-venv/bin/python"
PEER = ROOT / "Benchmarks/peer/step.py"
MODELS = ROOT / ".models/bench"


# What makes the libraries under both engines choose AVX2 kernels. Our own elementwise loops keep the processor's widest
# vectors, which on this kind of work make no measurable difference.
INSTRUCTION_SETS = {
    "avx2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }
}


def environment(contender):
    return {**os.environ, **INSTRUCTION_SETS.get(contender.isa, {})}


def command(row, contender):
    head = [str(BENCH), "step"] if contender.engine == "fsot" else [str(PYTHON), "-W", "ignore", str(PEER)]
    return head + [
        row.step, "--model", str(MODELS / row.model), "--threads", str(contender.threads), "--compute", contender.compute,
        "--batch", str(row.batch), "--length", str(row.length), "--steps", str(row.steps),
    ]


def measure(row, contender):
    """One measurement: rates of copies are added, `others` is how many cores all other processes used meanwhile."""
    idlers = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(contender.busy)]
    try:
        start, busy = time.monotonic(), busy_seconds()
        processes = [
            subprocess.Popen(
                command(row, contender), stdout=subprocess.PIPE, text=True, env=environment(contender)
            )
            for _ in range(contender.copies)
        ]
        lines = [process.stdout.read() for process in processes]
        own = 0.0
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            own += usage.ru_utime + usage.ru_stime
        elapsed = time.monotonic() - start
        others = (busy_seconds() - busy - own) / elapsed - contender.busy
    finally:
        for idler in idlers:
            idler.kill()
            idler.wait()
    if any(process.returncode for process in processes):
        raise SystemExit(f"error: {' '.join(command(row, contender))} failed; run it by hand to see why")
    results = [json.loads(line.strip().splitlines()[-1]) for line in lines]
    return {
        "wall": sum(r["wall_tokens_per_second"]["median"] for r in results),
        "wall_best": sum(r["wall_tokens_per_second"]["best"] for r in results),
        "cpu": statistics.mean(r["cpu_tokens_per_second"]["median"] for r in results),
        "peak": sum(r["peak_bytes"] for r in results),
        "load_peak": sum(r["load_peak_bytes"] for r in results),
        "allocations": sum(r["fresh_allocations"] for r in results) if "fresh_allocations" in results[0] else None,
        "roofline": results[0].get("roofline_share"),
        "phases": results[0]["phase_seconds"],
        "first_loss": results[0].get("first_loss"),
        "kernels": results[0]["kernels"],
        "others": max(0.0, others),
        "cores": os.cpu_count(),
    }


def wait_for_quiet(patience, cores, window=2.0):
    """Returns once all processes together use less than `cores`, or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        busy = busy_seconds()
        time.sleep(window)
        if busy_seconds() - busy < cores * window:
            return


def busy_seconds():
    """Processor seconds that were not idle since boot, on all cores; what the host took away included."""
    with open("/proc/stat") as file:
        user, nice, system, idle, waiting, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def export_models(model):
    """Writes the directories that both engines read, once."""
    for name, flags in (("full", []), ("emulator", ["--emulator"])):
        if not (MODELS / name).exists():
            MODELS.mkdir(parents=True, exist_ok=True)
            subprocess.run([str(BENCH), "export", str(model), str(MODELS / name), *flags], check=True)
