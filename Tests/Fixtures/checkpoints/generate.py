#!/usr/bin/env python3
"""Makes the fixtures in this folder from random numbers of our own, with the reference packages.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install gguf==0.19.0 safetensors numpy
    /tmp/venv/bin/python Tests/Fixtures/checkpoints/generate.py

blocks.gguf      one tensor a ggml type, random blocks; blocks.safetensors holds what the gguf package dequantises them to
NAME.gguf        a tiny model of architecture NAME as llama.cpp's converter lays it out
NAME.safetensors the same weights under Hugging Face names and in Hugging Face layouts
"""
import os

import gguf
import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
QUANTISED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q6_K"]
# Byte offsets of the 16-bit floats in a block: random bytes there could be NaN.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}


def path(name):
    return os.path.join(HERE, name)


def blocks(rng):
    writer = gguf.GGUFWriter(path("blocks.gguf"), "blocks")
    writer.add_uint8("t.uint8", 250)
    writer.add_int8("t.int8", -7)
    writer.add_uint16("t.uint16", 65000)
    writer.add_int16("t.int16", -3000)
    writer.add_uint32("t.uint32", 4000000000)
    writer.add_int32("t.int32", -2000000000)
    writer.add_uint64("t.uint64", 2**64 - 1)
    writer.add_int64("t.int64", -(2**62))
    writer.add_float32("t.float32", 1e-5)
    writer.add_float64("t.float64", 0.1)
    writer.add_bool("t.bool", True)
    writer.add_string("t.string", "naïve ☃")
    writer.add_array("t.strings", ["a", "", "☃"])
    writer.add_array("t.integers", [1, -2, 3])
    writer.add_array("t.floats", [0.5, -0.25])
    writer.add_array("t.bools", [True, False, True])
    expected = {}
    for name in QUANTISED:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        shape = (3, 2 * elements)
        data = rng.integers(0, 256, (3, 2 * size), dtype=np.uint8)
        view = data.reshape(-1, size)
        for offset in SCALES[name]:
            scale = rng.normal(size=view.shape[0]).astype(np.float16) * np.float16(0.03)
            scale[0] = np.float16(3e-7)  # a subnormal
            view[:, offset : offset + 2] = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = gguf.quants.dequantize(data, kind).astype(np.float32).reshape(shape)
    half = np.concatenate([rng.normal(size=13).astype(np.float16), np.array([6e-8, -0.0, 65504], np.float16)])
    writer.add_tensor("F16", half.reshape(2, 8))
    expected["F16"] = half.astype(np.float32).reshape(2, 8)
    single = rng.normal(size=(2, 3, 5)).astype(np.float32)
    writer.add_tensor("F32", single)
    expected["F32"] = single
    upper = (rng.normal(size=(3, 4)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("BF16", upper.view(np.uint8).reshape(3, 8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    expected["BF16"] = (upper.astype(np.uint32) << 16).view(np.float32).reshape(3, 4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, path("blocks.safetensors"))


def permute(weights, heads):
    """LlamaModel.permute of llama.cpp's convert_hf_to_gguf.py."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def decoder(rng, name, tied):
    hidden, heads, kv, inner, layers, vocabulary = 16, 2, 1, 24, 2, 20
    head = hidden // heads
    new = lambda *shape: rng.normal(size=shape).astype(np.float32)
    writer = gguf.GGUFWriter(path(f"{name}.gguf"), name)
    writer.add_context_length(64)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(500000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(vocabulary)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    weights = {}

    def add(stored, full, value, heads=None):
        weights[full] = value
        writer.add_tensor(stored, permute(value, heads) if heads and name == "llama" else value)

    add("token_embd.weight", "model.embed_tokens.weight", new(vocabulary, hidden))
    add("output_norm.weight", "model.norm.weight", new(hidden))
    if not tied:
        add("output.weight", "lm_head.weight", new(vocabulary, hidden))
    for i in range(layers):
        b, m = f"blk.{i}.", f"model.layers.{i}."
        add(b + "attn_norm.weight", m + "input_layernorm.weight", new(hidden))
        add(b + "ffn_norm.weight", m + "post_attention_layernorm.weight", new(hidden))
        add(b + "attn_q.weight", m + "self_attn.q_proj.weight", new(hidden, hidden), heads)
        add(b + "attn_q.bias", m + "self_attn.q_proj.bias", new(hidden), heads)
        add(b + "attn_k.weight", m + "self_attn.k_proj.weight", new(kv * head, hidden), kv)
        add(b + "attn_k.bias", m + "self_attn.k_proj.bias", new(kv * head), kv)
        add(b + "attn_v.weight", m + "self_attn.v_proj.weight", new(kv * head, hidden))
        add(b + "attn_v.bias", m + "self_attn.v_proj.bias", new(kv * head))
        add(b + "attn_output.weight", m + "self_attn.o_proj.weight", new(hidden, hidden))
        add(b + "ffn_gate.weight", m + "mlp.gate_proj.weight", new(inner, hidden))
        add(b + "ffn_up.weight", m + "mlp.up_proj.weight", new(inner, hidden))
        add(b + "ffn_down.weight", m + "mlp.down_proj.weight", new(hidden, inner))
    finish(writer, name, weights)


def gpt2(rng):
    hidden, layers, vocabulary, positions = 8, 2, 20, 12
    new = lambda *shape: rng.normal(size=shape).astype(np.float32)
    writer = gguf.GGUFWriter(path("gpt2.gguf"), "gpt2")
    writer.add_context_length(positions)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(4 * hidden)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-5)
    weights = {}

    def add(stored, full, value):
        weights[full] = value
        transposed = full.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight"))
        writer.add_tensor(stored, np.ascontiguousarray(value.T) if transposed else value)

    add("token_embd.weight", "transformer.wte.weight", new(vocabulary, hidden))
    # Some converters repeat the embedding as the head.
    writer.add_tensor("output.weight", weights["transformer.wte.weight"])
    add("position_embd.weight", "transformer.wpe.weight", new(positions, hidden))
    for kind in ["weight", "bias"]:
        add(f"output_norm.{kind}", f"transformer.ln_f.{kind}", new(hidden))
        for i in range(layers):
            matrix = (lambda rows, columns: new(rows, columns)) if kind == "weight" else (lambda rows, columns: new(columns))
            b, m = f"blk.{i}.", f"transformer.h.{i}."
            add(f"{b}attn_norm.{kind}", f"{m}ln_1.{kind}", new(hidden))
            add(f"{b}ffn_norm.{kind}", f"{m}ln_2.{kind}", new(hidden))
            add(f"{b}attn_qkv.{kind}", f"{m}attn.c_attn.{kind}", matrix(hidden, 3 * hidden))
            add(f"{b}attn_output.{kind}", f"{m}attn.c_proj.{kind}", matrix(hidden, hidden))
            add(f"{b}ffn_up.{kind}", f"{m}mlp.c_fc.{kind}", matrix(hidden, 4 * hidden))
            add(f"{b}ffn_down.{kind}", f"{m}mlp.c_proj.{kind}", matrix(4 * hidden, hidden))
    finish(writer, "gpt2", weights)


def finish(writer, name, weights):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(weights, path(f"{name}.safetensors"), metadata={"format": "np"})


generator = np.random.default_rng(20240601)
blocks(generator)
decoder(generator, "llama", tied=True)
decoder(generator, "qwen2", tied=False)
gpt2(generator)
