"""Makes vectors.json: age files for X25519 as C2SP/CCTV describes them (c2sp.org/CCTV/age), by names and outcomes of that set.

Written from the set's description and the age specification, on Python's `cryptography`, so that our own code checks nothing
against itself. The first vector's bytes are those published; the rest follow the same recipe: file key "YELLOW SUBMARINE",
randomness from ChaCha20 under the key "TEST RANDOMNESS TEST RANDOMNESS!". Vectors of several 64 KiB chunks are left out for
their size; AgeTests composes these itself.

    python3 generate.py > vectors.json
"""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

IDENTITY = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"
FILE_KEY = b"YELLOW SUBMARINE"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_bytes(text):
    data = [CHARSET.index(c) for c in text.lower().rsplit("1", 1)[1]][:-6]
    bits = 0
    count = 0
    out = []
    for value in data:
        bits = bits << 5 | value
        count += 5
        if count >= 8:
            count -= 8
            out.append(bits >> count & 255)
    return bytes(out)


SECRET = bech32_bytes(IDENTITY)


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def not_canonical(text):
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) + 1]


def hkdf(secret, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def public(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def exchange(secret, share):
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        return bytes(32)


def body_lines(data):
    text = b64(data)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)] or [""]
    return lines + [""] if len(lines[-1]) == 64 else lines


class File:
    """An age file in the making: header lines as text, then bytes."""

    def __init__(self):
        stream = Cipher(algorithms.ChaCha20(b"TEST RANDOMNESS TEST RANDOMNESS!", bytes(16)), None).encryptor()
        self.rand = lambda count: stream.update(bytes(count))
        self.lines = ["age-encryption.org/v1"]
        self.tail = b""
        self.file_key = FILE_KEY

    def x25519(self, secret=SECRET, share=None, **change):
        share = public(self.rand(32)) if share is None else share
        key = hkdf(exchange(secret, share[:32].ljust(32, b"\0")), share + public(secret), b"age-encryption.org/v1/X25519")
        wrapped = ChaCha20Poly1305(key).encrypt(bytes(12), self.file_key, None)
        if change.get("bad_tag"):
            wrapped = wrapped[:-1] + bytes([wrapped[-1] ^ 0xFF])
        text = b64(share)
        self.lines.append(" ".join(["->", change.get("type", "X25519"), change.get("spell", lambda t: t)(text)] + change.get("more", [])))
        self.lines += [change.get("body", lambda t: t)(line) for line in body_lines(wrapped)]
        return self

    def line(self, *lines):
        self.lines += lines
        return self

    def covered(self):
        return "".join(line + "\n" for line in self.lines).encode() + b"---"

    def code(self):
        return hmac.new(hkdf(self.file_key, None, b"header"), self.covered(), hashlib.sha256).digest()

    def payload(self, text=b"age", empty_nonce=None):
        nonce = self.rand(16) if empty_nonce is None else empty_nonce
        self.tail = nonce + self.chunk(nonce, text, 0, True)
        return self

    def chunk(self, nonce, text, number, last):
        key = hkdf(self.file_key, nonce, b"payload")
        return ChaCha20Poly1305(key).encrypt(number.to_bytes(11, "big") + bytes([last]), text, None)

    def bytes(self, code_line=None):
        code = "--- " + b64(self.code()) if code_line is None else code_line(b64(self.code()))
        return self.covered()[:-3] + (code + "\n").encode() + self.tail


vectors = []


def add(name, expect, data, payload=b"age", identity=IDENTITY):
    entry = {"name": name, "expect": expect, "identity": identity, "file": base64.b64encode(data).decode()}
    if expect == "success":
        entry["payload"] = hashlib.sha256(payload).hexdigest()
    vectors.append(entry)


first = File().x25519().payload()
assert first.lines[1:] == [
    "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc",
    "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U",
], "the published vector"
assert b64(first.code()) == "Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0", "the published vector"
plain = first.bytes()
add("x25519", "success", plain)

# The X25519 recipient.
OTHER = bech32_bytes("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0")
add("x25519_multiple_recipients", "success", File().x25519(OTHER).x25519().payload().bytes())
add("x25519_no_match", "no match", File().x25519(OTHER).payload().bytes())
add("x25519_grease", "success", File().line("-> grease", "").x25519().line("-> grease", "").payload().bytes())
add("x25519_bad_tag", "no match", File().x25519(bad_tag=True).payload().bytes())
add("x25519_extra_argument", "header failure", File().x25519(more=["1234"]).payload().bytes())
add("x25519_lowercase", "no match", File().x25519(type="x25519").payload().bytes())
add("x25519_not_canonical_share", "header failure", File().x25519(spell=not_canonical).payload().bytes())
add("x25519_not_canonical_body", "header failure", File().x25519(body=not_canonical).payload().bytes())
long_key = File()
long_key.file_key = b"A LONGER YELLOW SUBMARINE"
add("x25519_long_file_key", "header failure", long_key.x25519().payload().bytes())
share = public(File().rand(32))
add("x25519_long_share", "header failure", File().x25519(share=share + b"\0").payload().bytes())
add("x25519_short_share", "header failure", File().x25519(share=share[:-1]).payload().bytes())
add("x25519_identity", "header failure", File().x25519(share=bytes(32)).payload().bytes())
LOW = bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")
add("x25519_low_order", "header failure", File().x25519(share=LOW).payload().bytes())

# The header's code.
add("hmac_bad", "HMAC failure", first.bytes(lambda c: "--- " + ("A" if c[0] != "A" else "B") + c[1:]))
add("hmac_extra_space", "header failure", first.bytes(lambda c: "---  " + c))
add("hmac_garbage", "header failure", first.bytes(lambda c: "--- " + c + "AAAA"))
add("hmac_missing", "header failure", first.bytes(lambda c: "---"))
add("hmac_no_space", "header failure", first.bytes(lambda c: "---" + c))
add("hmac_not_canonical", "header failure", first.bytes(lambda c: "--- " + not_canonical(c)))
add("hmac_trailing_space", "header failure", first.bytes(lambda c: "--- " + c + " "))
add("hmac_truncated", "header failure", first.bytes(lambda c: "--- " + c[:-1]))

# Entries that the reader does not know still have to be well formed.
def stanza(*lines):
    return File().line(*lines).x25519().payload().bytes()


add("stanza_empty_body", "success", stanza("-> empty", ""))
add("stanza_empty_last_line", "success", stanza("-> full", "A" * 64, ""))
add("stanza_valid_characters", "success", stanza("-> " + " ".join(chr(c) for c in range(33, 127)), ""))
add("stanza_bad_start", "header failure", stanza("->empty", ""))
add("stanza_base64_padding", "header failure", stanza("-> stanza", "QUFBQUFBQUFBQQ=="))
add("stanza_empty_argument", "header failure", stanza("-> empty  argument", ""))
add("stanza_invalid_character", "header failure", stanza("-> st\u00e8nza", ""))
add("stanza_long_line", "header failure", stanza("-> long", "A" * 68, ""))
add("stanza_missing_body", "header failure", File().line("-> missing").x25519().payload().bytes())
add("stanza_missing_final_line", "header failure", File().x25519().line("-> full", "A" * 64).payload().bytes())
add("stanza_multiple_short_lines", "header failure", stanza("-> short", "QUFBQQ", "QUFBQQ"))
add("stanza_no_arguments", "header failure", stanza("->", ""))
add("stanza_not_canonical", "header failure", stanza("-> stanza", "QUFBQUFBQUFBQR"))
add("stanza_spurious_cr", "header failure", stanza("-> stanza\r", ""))

# The file as a whole.
add("empty", "header failure", b"")
add("header_crlf", "header failure", first.covered().replace(b"\n", b"\r\n") + b" " + b64(first.code()).encode() + b"\r\n" + first.tail)
version = File()
version.lines = ["age-encryption.org/v1234"]
add("version_unsupported", "header failure", version.x25519().payload().bytes())

# The payload.
head = plain[: len(plain) - len(first.tail)]
nonce, body = first.tail[:16], first.tail[16:]
add("stream_bad_tag", "payload failure", plain[:-1] + bytes([plain[-1] ^ 0xFF]))
add("stream_empty_payload", "success", File().x25519().payload(b"").bytes(), b"")
add("stream_missing_tag", "payload failure", plain[:-16])
add("stream_no_chunks", "payload failure", head + nonce)
add("stream_no_final", "payload failure", head + nonce + first.chunk(nonce, b"age", 0, False))
add("stream_no_nonce", "header failure", head)
add("stream_short_nonce", "header failure", head + nonce[:-1])
add("stream_short_chunk", "payload failure", head + nonce + first.chunk(nonce, b"a", 0, False) + first.chunk(nonce, b"ge", 1, True))
add("stream_trailing_garbage_short", "payload failure", plain + b"AAAA")
add("stream_trailing_garbage_long", "payload failure", plain + b"A" * 64)
add("stream_two_final_chunks", "payload failure", plain + first.chunk(nonce, b"age", 1, True))

print(json.dumps(vectors, indent=1))
