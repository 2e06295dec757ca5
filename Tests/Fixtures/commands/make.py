"""Makes tokenizer.json: byte-level without merges, fitting the tiny golden models' vocabulary of 256.

UTF-8 never uses 13 of the 256 bytes (C0, C1, F5 to FF), so 243 byte tokens cover all texts and leave room for special ones.
"""
import json

kept = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
alphabet = {byte: chr(byte) for byte in kept}
alphabet.update({byte: chr(256 + n) for n, byte in enumerate(b for b in range(256) if b not in alphabet)})
specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
valid = [b for b in range(256) if b not in (0xC0, 0xC1) and b < 0xF5]
vocabulary = {token: n for n, token in enumerate(specials + [alphabet[b] for b in valid])}
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
tokenizer = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [
        {"id": n, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True} for n, token in enumerate(specials)
    ],
    "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
    "model": {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
        "vocab": vocabulary, "merges": [],
    },
}
with open("tokenizer.json", "w", encoding="utf-8") as file:
    json.dump(tokenizer, file, ensure_ascii=False, separators=(",", ":"))
