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

STEPS = ("lora-qv", "lora-all", "offsite")


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


def trainable(model, step):
    """Freezes all but what the step trains; returns the model to run."""
    if step == "offsite":
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        layers = model.model.layers
        for index in (0, 1, len(layers) - 2, len(layers) - 1):
            for parameter in layers[index].parameters():
                parameter.requires_grad_(True)
        return model
    from peft import LoraConfig, get_peft_model
    targets = ["q_proj", "v_proj"] if step == "lora-qv" else "all-linear"
    configuration = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=targets)
    return get_peft_model(model, configuration)


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
    model = transformers.AutoModelForCausalLM.from_pretrained(
        options.model, dtype=torch.float32, attn_implementation="sdpa")
    model.config.use_cache = False
    model = trainable(model, options.step)
    model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    ids = torch.tensor(token_ids(options.batch, options.length, model.config.vocab_size))
    precision = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if options.compute == "bf16" \
        else contextlib.nullcontext
    load_peak = peak_bytes()

    def run():
        def now():
            return time.perf_counter(), time.process_time()
        start = now()
        with precision():
            loss = model(input_ids=ids, labels=ids).loss
        forward = now()
        loss.backward()
        backward = now()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item(), start, forward, backward, now()

    first_loss = run()[0]
    runs = [run() for _ in range(options.steps)]
    tokens = options.batch * options.length

    def seconds(start, end, clock):
        return [r[end][clock] - r[start][clock] for r in runs]
    print(json.dumps({
        "engine": "pytorch",
        "step": options.step,
        "compute": options.compute,
        "threads": options.threads,
        "batch": options.batch,
        "length": options.length,
        "steps": options.steps,
        "wall_tokens_per_second": rate(tokens, seconds(1, 4, 0)),
        "cpu_tokens_per_second": rate(tokens, seconds(1, 4, 1)),
        "phase_seconds": {
            "forward": statistics.median(seconds(1, 2, 0)),
            "backward": statistics.median(seconds(2, 3, 0)),
            "optimizer": statistics.median(seconds(3, 4, 0)),
        },
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
