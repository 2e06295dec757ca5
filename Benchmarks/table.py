"""Medians, ratios and the Markdown table."""
import statistics

from measure import INSTRUCTION_SETS
from rows import QUANTITIES

# Cores that other processes may use beyond those that a contender leaves free, before the measurement counts as disturbed.
TOLERANCE = 0.2


def allowance(contender, cores):
    """What other processes may use beside a contender."""
    return max(0, cores - contender.cores) + TOLERANCE


def is_quiet(contender, sample):
    return sample["others"] < allowance(contender, sample["cores"])


def mark(row, samples):
    """Says of each sample whether it `counts`: those of quiet rounds, or all when no round was quiet. Returns how many
    rounds were."""
    rounds = list(zip(*(samples[contender.label] for contender in row.contenders)))
    quiet = [all(is_quiet(*pair) for pair in zip(row.contenders, members)) for members in rounds]
    for members, was_quiet in zip(rounds, quiet):
        for sample in members:
            sample["counts"] = was_quiet or not any(quiet)
    return sum(quiet)


def median(samples, key):
    return statistics.median(sample[key] for sample in samples if sample["counts"])


def judge(target, samples):
    """The value of a target (a ratio of medians if it compares), and whether it holds; None: no bound."""
    value = median(samples[target.of.label], target.quantity)
    if target.against:
        value /= median(samples[target.against.label], target.quantity)
    if target.at_least is not None:
        return value, value >= target.at_least
    if target.at_most is not None:
        return value, value <= target.at_most
    return value, None


def targets_table(results):
    lines = ["| step | contender | against | quantity | value | target | |", "|---|---|---|---|---|---|---|"]
    for result in results:
        for t in result["targets"]:
            value = f"{t['value']:.2f}" + ("×" if t["against"] else "") if t["quantity"] != "allocations" \
                else f"{t['value']:.0f}"
            unit = "×" if t["against"] else ""
            bound = f"≥ {t['at_least']}{unit}" if t["at_least"] is not None else \
                f"≤ {t['at_most']}{unit}" if t["at_most"] is not None else ""
            verdict = {True: "pass", False: "**FAIL**", None: ""}[t["passed"]]
            if verdict and t["quantity"] == "wall" and not result["quiet_rounds"]:
                verdict += " (busy machine)"
            lines.append(f"| {result['title']} | {t['of']} | {t['against'] or ''} | {QUANTITIES[t['quantity']]} "
                         f"| {value} | {bound} | {verdict} |")
    return lines


def figures_table(results):
    lines = ["| step | contender | tokens/s | best | per CPU second | forward, backward, optimizer (s) | peak memory "
             "| after loading | others |", "|---|---|---|---|---|---|---|---|---|"]
    for result in results:
        for label, samples in result["samples"].items():
            def phase(name):
                return "{:.3g}".format(statistics.median(s["phases"][name] for s in samples if s["counts"]))
            phases = " + ".join(phase(name) for name in ("forward", "backward", "optimizer") if name in samples[0]["phases"])
            lines.append("| {} | {} | {:.0f} | {:.0f} | {:.0f} | {} | {:.0f} MB | {:.0f} MB | {:.2f} |".format(
                result["title"], label, median(samples, "wall"), max(s["wall_best"] for s in samples if s["counts"]),
                median(samples, "cpu"), phases, median(samples, "peak") / 1e6, median(samples, "load_peak") / 1e6,
                median(samples, "others")))
    return lines


def runs_list(results):
    """When, where and how the rows were measured: one paragraph for each run."""
    lines = []
    for run in {result["run"]["date"]: result["run"] for result in results}.values():
        names = ", ".join(f"{r['name']} ({r['quiet_rounds']} quiet of {len(next(iter(r['samples'].values())))})"
                          for r in results if r["run"]["date"] == run["date"])
        lines += [f"- {run['date']}, commit {run['commit']}, `{run['command']}`: {names}.",
                  f"  {run['machine']}."]
    return lines


def page(results):
    """Reports/bench/README.md."""
    kernels = {}
    for result in results:
        for label, samples in result["samples"].items():
            # "2 × fsot bf16, 1 thread" and the like run what "fsot bf16" runs; only another instruction set differs.
            engine, *details = label.split(", ")
            isa = [f"as on {detail.upper()}" for detail in details if detail in INSTRUCTION_SETS]
            kernels[", ".join([" ".join(engine.split()[-2:]), *isa])] = samples[0]["kernels"]
    return "\n".join([
        "# Training steps against PyTorch", "",
        "Made by `make bench`; the figures are in `step.json`. Both engines read the same float32 directory and the same",
        "token ids (every id is a label); a process measures one thing, after one untimed step. In each round the",
        "contenders of a row run one after the other. A value is the median over the rounds, a ratio that of medians.",
        "Peak memory is the kernel's `VmHWM`, loading included. *others*: cores that the rest of the machine used",
        f"meanwhile. Rounds in which that passed the free cores by {TOLERANCE} do not count, unless all did: then the",
        "verdict on tokens/s says *busy machine* and CPU seconds are the better measure.", "",
        *targets_table(results), "",
        "## Figures", "",
        *figures_table(results), "",
        "fsot runs the head's backward products in its forward phase, where the logits are. As on an AVX2 machine: the libraries",
        "that multiply are held to AVX2, fsot's own elementwise loops are not. Rows that were measured again later keep the date,",
        "commit and number of rounds of that run; all are listed here.", "",
        "## How", "",
        *[f"- {engine}: {text}." for engine, text in kernels.items()],
        *runs_list(results), "",
    ])
