"""What `make bench` measures: the rows of the table, who competes in each, and the targets."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One way to do a row's step."""
    engine: str             # "fsot" or "pytorch"
    compute: str = "f32"    # "f32" or "bf16"; PyTorch's bf16 is autocast
    threads: int = 1
    copies: int = 1         # independent processes at the same time; their rates are added
    busy: int = 0           # processes beside it that do nothing but compute
    isa: str | None = None  # "avx2": both engines' products as on a machine without AVX-512

    @property
    def cores(self):
        """What it uses at the most, its busy neighbours included."""
        return self.threads * self.copies + self.busy

    @property
    def label(self):
        parts = [f"{self.engine} {self.compute}", f"{self.threads} thread" + ("s" if self.threads > 1 else "")]
        if self.copies > 1:
            parts[0] = f"{self.copies} × {parts[0]}"
        if self.isa:
            parts.append(self.isa)
        if self.busy:
            parts.append(f"beside {self.busy} busy")
        return ", ".join(parts)


@dataclass(frozen=True)
class Target:
    """A bound on a quantity of one contender, or on its ratio to another's. Without a bound: for information."""
    of: Contender
    quantity: str           # a key of QUANTITIES
    against: Contender | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    step: str
    model: str              # a directory under .models/bench: "full" or "emulator"
    batch: int
    length: int
    targets: list[Target]
    steps: int = 2

    @property
    def contenders(self):
        """Each once, in the order of the targets: the order in which a round runs them."""
        named = [c for target in self.targets for c in (target.of, target.against) if c is not None]
        return list(dict.fromkeys(named))


QUANTITIES = {
    "wall": "tokens/s",
    "cpu": "tokens per CPU second",
    "peak": "peak memory",
    "roofline": "share of the speed of one matrix product",
    "allocations": "buffers taken from the system after the first step",
}


def against_pytorch(ours, peers, peak=None):
    """Targets of a step with and without PyTorch: `peers` maps PyTorch's compute to the least ratio of tokens/s."""
    targets = []
    for compute, at_least in peers.items():
        peer = Contender("pytorch", compute, ours.threads)
        targets += [Target(ours, "wall", peer, at_least=at_least), Target(ours, "cpu", peer)]
    f32 = Contender("pytorch", "f32", ours.threads)
    if f32 in [target.against for target in targets]:
        targets.append(Target(ours, "peak", f32, at_most=peak))
    return targets + [Target(ours, "allocations", at_most=0)]


def step_rows(name, title, step, model, shape, compute, peers, peak=None, threads=(1, 2), roofline=None):
    """A row for each number of threads; the share of the roofline on one."""
    batch, length = shape
    rows = []
    for count in threads:
        ours = Contender("fsot", compute, count)
        targets = against_pytorch(ours, peers, peak)
        if roofline and count == 1:
            targets.append(Target(ours, "roofline", at_least=roofline))
        rows.append(Row(f"{name}-{count}t", f"{title}, {batch}×{length}", step, model, batch, length, targets))
    return rows


ROWS = [
    # float32: OpenBLAS against MKL leaves little room.
    *step_rows("lora-qv-4x256-f32", "LoRA q,v r=8", "lora-qv", "full", (4, 256), "f32", {"f32": 1.15}, 0.5),
    *step_rows("offsite-4x256-f32", "Offsite step 2+13+2, ends trained", "offsite", "emulator", (4, 256), "f32",
               {"f32": 1.15}, 0.5),
    # bfloat16 factors against PyTorch's autocast and against its float32.
    *step_rows("lora-qv-4x256-bf16", "LoRA q,v r=8", "lora-qv", "full", (4, 256), "bf16", {"bf16": 1.5, "f32": 2.2}, 0.45,
               roofline=0.8),
    *step_rows("lora-qv-1x512-bf16", "LoRA q,v r=8", "lora-qv", "full", (1, 512), "bf16", {"bf16": 1.7, "f32": None}, 0.5),
    *step_rows("lora-all-4x256-bf16", "LoRA all-linear r=8", "lora-all", "full", (4, 256), "bf16",
               {"bf16": 1.5, "f32": None}, 0.45),
    *step_rows("offsite-4x256-bf16", "Offsite step 2+13+2, ends trained", "offsite", "emulator", (4, 256), "bf16",
               {"bf16": 1.5, "f32": None}, 0.45),
    *step_rows("distillation-4x256-bf16", "Distillation, 26 blocks to 13", "distillation", "full", (4, 256), "bf16",
               {"bf16": 1.5, "f32": None}, 0.45),
    *step_rows("prefill-1x512-bf16", "Prefill, last logits only", "prefill", "full", (1, 512), "bf16", {"bf16": 1.2}),
    # Hospital servers without AVX-512: float32 only.
    *[
        Row(f"lora-qv-4x256-avx2-{threads}t", "LoRA q,v r=8 as on an AVX2 machine, 4×256", "lora-qv", "full", 4, 256, [
            Target(Contender("fsot", "f32", threads, isa="avx2"), quantity, Contender("pytorch", "f32", threads, isa="avx2"))
            for quantity in ("wall", "cpu", "peak")
        ])
        for threads in (1, 2)
    ],
    # The text that distillation learns from: 32 at once, 64 tokens each.
    Row("sampling-32x64-bf16-1t", "Batched sampling, 32×64", "sampling", "full", 32, 64,
        [Target(Contender("fsot", "bf16"), "cpu", at_least=400)]),
    # The second thread: against two independent processes, and beside a neighbour that never rests.
    *[
        Row(f"second-thread-{compute}", f"LoRA q,v r=8, 4×256, {compute}: the second thread", "lora-qv", "full", 4, 256, [
            Target(Contender("fsot", compute, 2), "wall", Contender("fsot", compute, copies=2), at_least=bound),
            Target(Contender("fsot", compute, 2, busy=1), "wall", Contender("fsot", compute, busy=1), at_least=alone),
        ])
        for compute, bound, alone in (("f32", None, None), ("bf16", 0.95, 1.0))
    ],
]
