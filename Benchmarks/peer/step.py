"""The same step in PyTorch + peft, as one line of JSON with the keys of `fsot-bench step`.

Best settings: sdpa attention, no key-value cache, float32 or bfloat16 autocast. Run with the environment that `make bench`
makes; example:

    .bench-venv/bin/python Benchmarks/peer/step.py lora-qv --model DIR --threads 1 --compute f32 --batch 4 --length 256 --steps 2
"""
import argparse
import contextlib
import json
import os
import statistics
import time

STEPS = ("lora-qv", "lora-all", "offsite", "distillation", "prefill")


def arguments():
    parser = argparse.ArgumentParser(description="Time one step of PyTorch + peft and print one line of JSON.")
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--model", required=True, help="a Hugging Face directory")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compute", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=2)
    return parser.parse_args()


def token_ids(batch, length, vocabulary):
    """The tokens that `BatchShape.batch` draws."""
    state, first = 20_240_917, 3
    ids = []
    for _ in range(batch * length):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        ids.append(first + (state >> 33) % (vocabulary - first))
    return [ids[i * length:(i + 1) * length] for i in range(batch)]


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def lora(model, targets):
    from peft import LoraConfig, get_peft_model
    return get_peft_model(model, LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=targets))


def end_blocks(model):
    """Only the first two and last two blocks learn."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    layers = model.model.layers
    for index in (0, 1, len(layers) - 2, len(layers) - 1):
        for parameter in layers[index].parameters():
            parameter.requires_grad_(True)
    return model


class Distillation:
    """Half of the middle learns from the whole middle, both fed with the teacher's states: Emulators/Distillation.swift."""

    def __init__(self, full):
        import copy
        import torch
        for parameter in full.parameters():
            parameter.requires_grad_(False)
        self.base = full.model
        layers = full.model.layers
        count = len(layers) - 4
        kept = round(count / 2)
        self.student = torch.nn.ModuleList(
            [copy.deepcopy(layers[2 + round(i * (count - 1) / (kept - 1))]) for i in range(kept)])
        for parameter in self.student.parameters():
            parameter.requires_grad_(True)

    def parameters(self):
        return self.student.parameters()

    def loss(self, ids):
        import torch
        positions = torch.arange(ids.shape[1]).unsqueeze(0)

        def run(layers, x):
            # Without a mask sdpa is causal.
            for layer in layers:
                x = layer(x, attention_mask=None, position_ids=positions, position_embeddings=embeddings)
            return x
        with torch.no_grad():
            x = self.base.embed_tokens(ids)
            embeddings = self.base.rotary_emb(x, position_ids=positions)
            start = run(self.base.layers[:2], x)
            teacher = run(self.base.layers[2:-2], start).float()
        student = run(self.student, start).float()
        error = (student - teacher).square().sum(-1) / teacher.square().sum(-1)
        return error[:, 1:].mean()


def rate(tokens, seconds):
    return {"median": tokens / statistics.median(seconds), "best": tokens / min(seconds)}


def main():
    options = arguments()
    os.environ["HF_HUB_OFFLINE"] = "1"
    # OpenMP reads it when torch is loaded.
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import peft
    import torch
    import transformers
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    is_inference = options.step == "prefill"
    # Inference in bfloat16 is fastest with the weights rounded once; training keeps float32 weights under autocast.
    dtype = torch.bfloat16 if is_inference and options.compute == "bf16" else torch.float32
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype, attn_implementation="sdpa")
    model.config.use_cache = False
    vocabulary = model.config.vocab_size
    model.train(not is_inference)
    if options.step == "lora-qv":
        model = lora(model, ["q_proj", "v_proj"])
    elif options.step == "lora-all":
        model = lora(model, "all-linear")
    elif options.step == "offsite":
        model = end_blocks(model)
    elif options.step == "distillation":
        model = Distillation(model)
    parameters = [] if is_inference else [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = None if is_inference else torch.optim.AdamW(parameters, lr=1e-4)
    ids = torch.tensor(token_ids(options.batch, options.length, vocabulary))
    precision = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) \
        if options.compute == "bf16" and not is_inference else contextlib.nullcontext
    load_peak = peak_bytes()

    def now():
        return time.perf_counter(), time.process_time()

    def infer():
        laps = [now()]
        with torch.inference_mode():
            logits = model(input_ids=ids, logits_to_keep=1).logits
        laps.append(now())
        return logits.float().mean().item(), laps

    def train():
        laps = [now()]
        with precision():
            loss = model.loss(ids) if options.step == "distillation" else model(input_ids=ids, labels=ids).loss
        laps.append(now())
        loss.backward()
        laps.append(now())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        laps.append(now())
        return loss.item(), laps

    run = infer if is_inference else train
    phases = ("forward", "backward", "optimizer")[:1 if is_inference else 3]
    first_loss = run()[0]
    runs = [run()[1] for _ in range(options.steps)]
    tokens = options.batch * options.length

    def seconds(start, end, clock):
        return [laps[end][clock] - laps[start][clock] for laps in runs]
    print(json.dumps({
        "engine": "pytorch",
        "step": options.step,
        "compute": options.compute,
        "threads": options.threads,
        "batch": options.batch,
        "length": options.length,
        "steps": options.steps,
        "wall_tokens_per_second": rate(tokens, seconds(0, -1, 0)),
        "cpu_tokens_per_second": rate(tokens, seconds(0, -1, 1)),
        "phase_seconds": {name: statistics.median(seconds(i, i + 1, 0)) for i, name in enumerate(phases)},
        "first_loss": first_loss,
        "trainable_parameters": sum(parameter.numel() for parameter in parameters),
        "load_peak_bytes": load_peak,
        "peak_bytes": peak_bytes(),
        "kernels": "torch {}, transformers {}, peft {}; {}; oneDNN {}".format(
            torch.__version__, transformers.__version__, peft.__version__,
            torch.backends.cpu.get_cpu_capability(), "on" if torch.backends.mkldnn.is_available() else "off"),
    }, sort_keys=True))


if __name__ == "__main__":
    main()
