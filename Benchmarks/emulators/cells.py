"""The cells of the emulator measurement: recipes in terms of `fsot compress`, by name."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    name: str
    ratio: float          # the share of the middle's parameters that it aims at
    arguments: str        # of fsot compress
    text: str = "dolly"   # public text: dolly, or gsm8k: the public side of the task
    seeds: int = 1        # of the probe's tunings
    probe: str = ""       # further probe flags
    recovery: str = ""    # the attacker's public text, a key as of text; empty: not attacked
    held_out: int = 200   # records of the probe's held-out side


END_TO_END = "--loss per-token --divergence-weight 1 --distill-lr 3e-4 --distill-tokens 32768"
INSTRUCTED = END_TO_END + " --public-template alpaca"
PER_LAYER = "--loss per-layer --distill-tokens 32768"

# One seed, 200 held-out records: what each choice is worth, mostly at half of the middle. In the order of their promise.
ABLATION = [
    Cell("half-wide", 0.5, "--feed-forward 0.3333 --distill-tokens 0"),
    Cell("half-wide-no-refit", 0.5, "--feed-forward 0.3333 --no-refit --distill-tokens 0"),
    Cell("half-wide-end-to-end", 0.5, f"--feed-forward 0.3333 {END_TO_END}"),
    Cell("half-top", 0.5, "--bottom 0 --top 4 --feed-forward 0.3333 --distill-tokens 0"),
    Cell("half-wide-task", 0.5, f"--feed-forward 0.3333 {INSTRUCTED}", text="gsm8k"),
    Cell("half-top-task", 0.5, f"--bottom 0 --top 4 --feed-forward 0.3333 {INSTRUCTED}", text="gsm8k"),
    Cell("half-wide-instructed", 0.5, f"--feed-forward 0.3333 {INSTRUCTED}"),
    Cell("half-wide-lora", 0.5, "--feed-forward 0.3333 --distill-tokens 0",
         probe="--probe-adapter lora --probe-rank 16 --probe-lr 1e-3"),
    Cell("half-uniform-task", 0.5, f"--keep 0.5 {INSTRUCTED}", text="gsm8k"),
    Cell("three-quarters-task", 0.75, f"--feed-forward 0.6667 {INSTRUCTED}", text="gsm8k"),
    Cell("quarter-task", 0.25, f"--feed-forward 0.1667 --attention 0.5 {INSTRUCTED}", text="gsm8k"),
    Cell("half-wide-four", 0.5, "--bottom 4 --top 4 --feed-forward 0.3333 --distill-tokens 0"),
    Cell("half-wide-per-layer", 0.5, f"--feed-forward 0.3333 {PER_LAYER}"),
    Cell("half-attention", 0.5, "--feed-forward 0.42 --attention 0.74 --distill-tokens 0"),
    Cell("half-uniform", 0.5, "--keep 0.5 --distill-tokens 0"),
    Cell("half-block-influence", 0.5, "--keep 0.5 --selection block-influence --distill-tokens 0"),
    Cell("half-leave-one-out", 0.5, "--keep 0.5 --selection leave-one-out --distill-tokens 0"),
    Cell("half-wide-task-short", 0.5, f"--feed-forward 0.3333 {INSTRUCTED.replace('32768', '8192')}", text="gsm8k"),
    Cell("half-wide-task-long", 0.5, f"--feed-forward 0.3333 {INSTRUCTED.replace('32768', '98304')}", text="gsm8k"),
    Cell("half-uniform-offsite-tuning", 0.5,
         "--keep 0.5 --loss offsite-tuning --distill-lr 3e-4 --distill-tokens 32768"),
    Cell("half-wide-proximal", 0.5, "--feed-forward 0.3333 --distill-tokens 0", probe="--probe-proximal 0.01"),
    Cell("half-wide-slow", 0.5, "--feed-forward 0.3333 --distill-tokens 0", probe="--probe-lr 3e-5"),
    Cell("half-wide-fast", 0.5, "--feed-forward 0.3333 --distill-tokens 0", probe="--probe-lr 3e-4"),
]

# 500 held-out records, three seeds and recovery attacks on general text: the recipes that are worth it. Only the top is tuned: no gradient passes through the
# thinned middle, so all depends on its output, which is what distillation makes right.
TOP = "--bottom 0 --top 4"
FRONTIER = [
    Cell("frontier-half", 0.5, f"{TOP} --feed-forward 0.3333 {INSTRUCTED}", text="gsm8k", seeds=3, recovery="dolly", held_out=500),
    Cell("frontier-quarter", 0.25, f"{TOP} --feed-forward 0.1667 --attention 0.5 {INSTRUCTED}", text="gsm8k", seeds=3, recovery="dolly", held_out=500),
    Cell("strict", 0.25, "--feed-forward 0.1667 --attention 0.5 --distill-tokens 0", recovery="dolly"),
    Cell("frontier-three-quarters", 0.75, f"{TOP} --feed-forward 0.6667 {INSTRUCTED}", text="gsm8k", seeds=3, recovery="dolly", held_out=500),
]
