"""Makes the corpus that fuzzing starts from, small and well formed: python3 make.py FSOT (the built binary), in this folder."""

import base64
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

here = pathlib.Path(__file__).resolve().parent
fixtures = here.parent.parent / "Fixtures"
fsot = str(pathlib.Path(sys.argv[1]).resolve())


def put(parser, name, data):
    folder = here / parser
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)


def safetensors(entries):
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, kind, shape, data in entries:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def strings(values):
    return struct.pack("<IQ", 8, len(values)) + b"".join(text(v) for v in values)


def gguf():
    tokens = ["<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "<0x0A>"]
    entries = [
        ("general.architecture", 8, text("llama")), ("llama.block_count", 4, struct.pack("<I", 1)),
        ("llama.context_length", 4, struct.pack("<I", 16)), ("llama.embedding_length", 4, struct.pack("<I", 32)),
        ("llama.feed_forward_length", 4, struct.pack("<I", 32)), ("llama.attention.head_count", 4, struct.pack("<I", 2)),
        ("llama.attention.head_count_kv", 4, struct.pack("<I", 1)),
        ("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)),
        ("llama.rope.freq_base", 6, struct.pack("<f", 1e4)),
        ("tokenizer.ggml.model", 8, text("llama")), ("tokenizer.ggml.tokens", 9, strings(tokens)),
        ("tokenizer.ggml.scores", 9, struct.pack("<IQ8f", 6, 8, *range(8))),
        ("tokenizer.ggml.token_type", 9, struct.pack("<IQ8i", 5, 8, 2, 3, 3, 1, 1, 1, 1, 6)),
        ("tokenizer.ggml.bos_token_id", 4, struct.pack("<I", 1)), ("tokenizer.ggml.eos_token_id", 4, struct.pack("<I", 2)),
    ]
    shapes = {
        "token_embd.weight": (0, [32, 8]), "output_norm.weight": (0, [32]), "blk.0.attn_norm.weight": (0, [32]),
        "blk.0.ffn_norm.weight": (0, [32]), "blk.0.attn_q.weight": (2, [32, 32]), "blk.0.attn_k.weight": (3, [32, 16]),
        "blk.0.attn_v.weight": (8, [32, 16]), "blk.0.attn_output.weight": (1, [32, 32]), "blk.0.ffn_gate.weight": (6, [32, 32]),
        "blk.0.ffn_up.weight": (7, [32, 32]), "blk.0.ffn_down.weight": (2, [32, 32]),
    }
    block = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}
    header, body = b"", b""
    for name, (kind, extents) in shapes.items():
        count = 1
        for extent in extents:
            count *= extent
        elements, size = block[kind]
        body += b"\0" * (-len(body) % 32)
        header += text(name) + struct.pack("<I", len(extents)) + struct.pack(f"<{len(extents)}Q", *extents)
        header += struct.pack("<IQ", kind, len(body))
        body += bytes(count // elements * size)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(entries))
    start += b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in entries) + header
    return start + b"\0" * (-len(start) % 32) + body


for vector in json.loads((fixtures / "age/vectors.json").read_text()):
    if vector["name"] in ("x25519", "x25519_grease", "stanza_valid_characters", "x25519_multiple_recipients", "stream_no_final"):
        put("age", vector["name"], base64.b64decode(vector["file"]))

with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    shutil.copytree(fixtures / "golden/tiny/llama/model", work / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(fixtures / "commands" / name, work / "model" / name)

    def run(*arguments):
        subprocess.run([fsot, *arguments], cwd=work, check=True, capture_output=True, env={"FSOT_HOME": folder + "/home", "PATH": ""})

    for name in ("owner", "alice"):
        run("keygen", name, "--no-passphrase")
    run("compress", "model", "--bottom", "1", "--top", "1", "--to", "alice.card", "--sign", "owner.identity", "-o", "x.fsot")
    with tarfile.open(work / "x.fsot") as archive:
        put("manifest", "manifest.json", archive.extractfile("manifest.json").read())
    put("manifest", "alice.card", (work / "alice.card").read_bytes())
    (work / "b").write_bytes(b"second\n" * 100)
    (work / "a").write_bytes(b"first\n")
    with tarfile.open(work / "t.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("a", "b"):
            archive.add(work / name, name)
    put("tar", "two.tar", (work / "t.tar").read_bytes())

put("safetensors", "two", safetensors([("a", "F32", [2, 3], bytes(24)), ("b.weight", "BF16", [4], bytes(8))]))
put("safetensors", "kinds", safetensors([(k, k, [2], bytes(2 * n)) for k, n in (("F64", 8), ("F16", 2), ("I64", 8), ("U8", 1))]))
put("safetensors", "empty", safetensors([]))
put("gguf", "llama", gguf())
put("tokenizer", "bytes.json", (fixtures / "commands/tokenizer.json").read_bytes())
for file in sorted(fixtures.glob("tokenizers/*/tokenizer.json")):
    if file.stat().st_size < 20_000:
        put("tokenizer", file.parent.name + ".json", file.read_bytes())
