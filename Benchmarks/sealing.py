"""Seals and opens a directory of random weights with fsot, and encrypts and decrypts its one large file with age, by turns.

    python3 Benchmarks/sealing.py --fsot .build/release/fsot --mebibytes 1024 --rounds 3 --directory /dev/shm

Prints a table in Markdown: medians of wall time, speed against age's, and peak resident memory (ru_maxrss, which is VmHWM).
fsot does more than age does: a tar, a signature, SHA-256 of plaintext and ciphertext, the check of every tensor, and fsync.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HIDDEN, WIDE, VOCABULARY = 1024, 4096, 256


def shapes(layers):
    yield "model.embed_tokens.weight", [VOCABULARY, HIDDEN]
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", [HIDDEN]
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", [HIDDEN, HIDDEN]
        yield prefix + "post_attention_layernorm.weight", [HIDDEN]
        for name, shape in (("gate", [WIDE, HIDDEN]), ("up", [WIDE, HIDDEN]), ("down", [HIDDEN, WIDE])):
            yield f"{prefix}mlp.{name}_proj.weight", shape
    yield "model.norm.weight", [HIDDEN]


def write_model(directory, layers, full_layers):
    """A model directory of the right tensors and random bytes: sealing checks names and shapes, and reads no number."""
    directory.mkdir()
    entries, position = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes(layers):
        size = 4
        for extent in shape:
            size *= extent
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [position, position + size]}
        position += size
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        while position > 0:
            count = min(position, 1 << 24)
            file.write(os.urandom(count))
            position -= count
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": HIDDEN, "intermediate_size": WIDE,
        "num_hidden_layers": layers, "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": VOCABULARY,
        "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": True,
    }
    (directory / "config.json").write_text(json.dumps(config))
    split = {"bottom": 1, "top": 1, "kept": layers - 2, "full_layers": full_layers, "release_id": "bench"}
    (directory / "emulator.json").write_text(json.dumps(split))


def run(command, work):
    """Wall seconds, processor seconds, and peak resident bytes."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, env={**os.environ, "FSOT_HOME": str(work / "home")})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command)} failed; run it by hand in {work} to see why")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fsot", default=".build/release/fsot")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", default=tempfile.gettempdir())
    options = parser.parse_args()
    fsot = str(pathlib.Path(options.fsot).resolve())
    work = pathlib.Path(tempfile.mkdtemp(prefix="fsot-sealing-", dir=options.directory))
    try:
        layer = 4 * sum(s[0] * (s[1] if len(s) > 1 else 1) for n, s in shapes(1) if ".layers." in n)
        write_model(work / "emulator", max(3, round((options.mebibytes << 20) / layer)), 64)
        write_model(work / "full", 3, 64)
        size = (work / "emulator/model.safetensors").stat().st_size
        for name in ("owner", "alice"):
            run([fsot, "keygen", name, "--no-passphrase", "-q"], work)
            run([fsot, "export", f"{name}.identity", "--age-key", "-o", f"{name}.txt"], work)
        recipient = subprocess.run(["age-keygen", "-y", "alice.txt"], cwd=work, capture_output=True, text=True).stdout.strip()
        commands = {
            ("seal", "age"): ["age", "-r", recipient, "-o", "x.age", "emulator/model.safetensors"],
            ("open", "age"): ["age", "-d", "-i", "alice.txt", "-o", "plain", "x.age"],
            ("seal", "fsot"): [
                fsot, "seal", "emulator", "--to", "alice.card", "--sign", "owner.identity", "--model", "full", "-q", "-o", "x.fsot",
            ],
            ("open", "fsot"): [fsot, "open", "x.fsot", "--identity", "alice.identity", "--from", "owner.card", "-q", "-o", "out"],
        }
        times, cpu, peaks = {key: [] for key in commands}, {key: [] for key in commands}, {key: 0 for key in commands}
        for _ in range(options.rounds):
            for key, command in commands.items():
                if key[0] == "seal":
                    # Both start with nothing of the other's in memory.
                    for name in ("x.age", "x.fsot", "x.fsot.owner", "plain", "out"):
                        path = work / name
                        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                seconds, busy, peak = run(command, work)
                times[key].append(seconds)
                cpu[key].append(busy)
                peaks[key] = max(peaks[key], peak)
        print(f"{size / (1 << 20):.0f} MiB, {options.rounds} rounds by turns, {os.cpu_count()} cores, in {options.directory}\n")
        print("| | age, s (processor) | fsot, s (processor) | fsot, MiB/s | of age's speed | age, peak MiB | fsot, peak MiB |")
        print("|---|---|---|---|---|---|---|")
        for step in ("seal", "open"):
            age, ours = (statistics.median(times[step, tool]) for tool in ("age", "fsot"))
            age_cpu, our_cpu = (statistics.median(cpu[step, tool]) for tool in ("age", "fsot"))
            print(
                f"| {step} | {age:.2f} ({age_cpu:.2f}) | {ours:.2f} ({our_cpu:.2f}) | {size / (1 << 20) / ours:.0f} | {100 * age / ours:.0f} % "
                f"| {peaks[step, 'age'] / (1 << 20):.0f} | {peaks[step, 'fsot'] / (1 << 20):.0f} |"
            )
        each = {f"{step} {tool}": [round(t, 2) for t in values] for (step, tool), values in times.items()}
        print(f"\nEach round: {json.dumps(each)}")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
