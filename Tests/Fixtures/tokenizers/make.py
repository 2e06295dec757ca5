#!/usr/bin/env python3
"""Makes the small tokenizers of this folder and what Hugging Face tokenizers 0.23.3 encodes with them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers==0.23.3 && /tmp/venv/bin/python make.py

Each NAME/ gets tokenizer.json (trained here on the sentences below) and cases.json: per text the ids with special tokens
parsed (`ids`) and not parsed (`plain`), and the text decoded with and without special tokens.
"""
import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CORPUS = [
    "The patient was seen on 12 March 2024; her blood pressure was 128/84 and she'd slept badly.",
    "We'll write to the clinic again if they don't answer, but I'm sure that you've told them already.",
    "Der Arzt sagte: „Größe und Gewicht sind unverändert.“ Die Straße heißt noch immer Bäckerweg.",
    "L'été, les élèves étaient déjà à l'école; ça n'était pas très agréable, n'est-ce pas?",
    "Врач сказал, что завтра всё будет хорошо. Завтра утром, в 9 часов, он придёт снова.",
    "医生说明天会更好。我们今天在北京学习中文，明天去上海。",
    "これはペンです。東京は日本の首都です。",
    "def add(a, b):\n    return a + b\n\n\nfor i in range(100):\n\tprint(i, end='')\r\n",
    "नमस्ते दुनिया। यह एक परीक्षण है।",
    "שלום עולם! مرحبا بالعالم",
    "🙂 😀 👩‍👩‍👧 naïve café résumé — “quoted” … 3.14159 ½ ² Ⅳ",
    "I'M HERE, YOU'RE THERE; THEY'VE GONE. it's he'd we'll   many   spaces    here",
] * 3

TEXTS = [
    "", "a", " ", "  ", "   ", "\n", "\n\n", "\n\n\nx", " \n x", "\t\tx", "\r\n\r\nx", " \r\n \r\n ", "a ", " a", "  a", "a  b",
    "Hello, world!", "The patient was seen on 12 March 2024.", "I'm you're we've they'll he'd it's don't",
    "I'M YOU'RE WE'VE THEY'LL HE'D IT'S DON'T", "'s 't 'S 'LL 'ſ x'ſy ''s '' ' 'x", "a's  's", "don’t ‘quote’", "1", "12", "123",
    "1234567", " 12 345", "x1y22z333", "٣٤٥ ½²Ⅳ ௧௨", "3.14159e-10", "Größe Straße Bäckerweg", "été déjà ça",
    "e\u0301te\u0301 A\u030a \u212b", "\u0301abc", "a\u0301\u0323", "각 \u1100\u1161\u11a8", "Врач сказал", "医生说明天会更好。", "これはペンです。",
    "नमस्ते दुनिया", "שלום עולם", "مرحبا", "🙂", "👩‍👩‍👧 x", "🇩🇪🇫🇷", "x\u00a0y", "x\u00a0\u00a0y", "a\u2003\u2003b", "a\u200bb", "a\u3000b", "\u0085x",
    "\ufeffBOM", "\u0000null", "a\u001fb", "\U0001d11e\U0010ffff", "!!!", "?!?!\n\n", "...\r\n...", "a_b-c", "#$%^&*()", "“quoted”—…", " — ",
    "def add(a, b):\n    return a + b\n", "\tif x:\n\t\treturn\n", "many      spaces       here", "trailing   ", "\n  indented\n    more\n",
    "<|im_start|>user\nHi<|im_end|>\n", "x<|im_end|>y", "<|im_end|><|im_end|>", "<|im_start", "a <left> b", "a  <left>  b", "a <right> b",
    "a  <right>  b", "\n<left>\n<right>\n", "<right>  <left>", "a word b", "awordb", "word", "a wordb", "ünïcode word ünïcode", "ép\u0301é<nfc\u0301>x", "<nfć>x",
    "<plain>", "x<plain>y", "x <plain> y", "<s>x</s>", "▁x", " ▁x", "x▁y", "<0x41>", "ŁŃŐŰ Ĳ ﬁ", "Ġx", "ÿþ", "\u0888\u0c5c\ua7ce",
]


def random_texts(count):
    generator = random.Random(7)
    alphabet = list("aAbtTsSlLdDmMvVeErR''''    \n\n\t\r19½!.,-é\u0301中あ🙂\u00a0\u2003_<>|") + ["<|im_end|>", "the ", " patient", "'ll", "<left>"]
    return ["".join(generator.choice(alphabet) for _ in range(generator.randint(1, 40))) for _ in range(count)]


QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTE_LEVEL = dict(add_prefix_space=False)
SPECIAL = ["<|im_start|>", "<|im_end|>"]


def byte_level(pre_tokenizer, normalizer=None, size=560, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def split(digits):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2 % digits), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def character_level(normalizer, pre_tokenizer, decoder, byte_fallback):
    special = ["<unk>", "<s>", "</s>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else [])
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    # Training without a pre-tokenizer would merge across words; with Metaspace it makes the same kind of vocabulary.
    training = Tokenizer(models.BPE(unk_token="<unk>"))
    training.pre_tokenizer = pre_tokenizers.Metaspace()
    training.train_from_iterator(CORPUS[:5] + CORPUS[11:12], trainers.BpeTrainer(
        vocab_size=len(special) + 330, special_tokens=special, show_progress=False))
    model = json.loads(training.to_str())["model"]
    whole = json.loads(tokenizer.to_str())
    whole["model"]["vocab"], whole["model"]["merges"] = model["vocab"], model["merges"]
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def flagged(tokenizer):
    tokenizer.add_special_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("word", single_word=True, normalized=False), AddedToken("<nfc\u0301>", normalized=True),
                          AddedToken("<plain>", normalized=False)] + [AddedToken(" " * n, normalized=True) for n in (6, 5, 4, 3, 2)])
    return tokenizer


LLAMA_DECODER = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
ALL = {
    "gpt2": lambda: byte_level(pre_tokenizers.ByteLevel(**BYTE_LEVEL)),
    "gpt2-prefix": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "smollm2": lambda: byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(**BYTE_LEVEL)])),
    "qwen2": lambda: byte_level(split(r"\p{N}"), normalizers.NFC()),
    "llama3": lambda: byte_level(split(r"\p{N}{1,3}"), ignore_merges=True),
    "gpt-neox": lambda: flagged(byte_level(pre_tokenizers.ByteLevel(**BYTE_LEVEL), normalizers.NFC())),
    "llama": lambda: character_level(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, LLAMA_DECODER, True),
    "metaspace": lambda: character_level(None, pre_tokenizers.Metaspace(prepend_scheme="first"), decoders.Metaspace(prepend_scheme="first"), False),
}

for name, make in ALL.items():
    tokenizer = make()
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "tokenizer.json"), "w") as file:
        json.dump(json.loads(tokenizer.to_str()), file, ensure_ascii=False, separators=(",", ":"))
    cases = []
    for text in TEXTS + random_texts(60):
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append({"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                      "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True)})
    with open(os.path.join(folder, "cases.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(name, tokenizer.get_vocab_size(), len(cases))
