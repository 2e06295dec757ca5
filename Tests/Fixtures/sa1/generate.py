"""Makes vectors.json: whole rounds of SA1 with fixed keys, every message as bytes, written from Sources/SecureAggregation/SA1.md.

Nothing of the Swift code is used, so that it checks nothing against itself: hashlib for BLAKE2b, Python's `cryptography` for Ed25519,
X25519, ChaCha20 and Poly1305, HChaCha20 and Shamir's sharing below. What a participant draws at random is the list
`draws`: secret key of the masks, secret key of the encryption, seed b, nonce of R0, coefficients for b, coefficients for sk, then a
nonce for each destination in rising order.

    python3 generate.py > vectors.json
"""

import hashlib
import json
import math
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def u(width, number):
    return number.to_bytes(width, "little")


def u8(x):
    return u(1, x)


def u16(x):
    return u(2, x)


def u32(x):
    return u(4, x)


def u64(x):
    return u(8, x)


def f64(x):
    return struct.pack("<d", x)


def B(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def H(tag, *parts):
    return B(b"".join(u32(len(part)) + part for part in (tag.encode(), *parts)))


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def stream(key, count):
    return Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(count))


def prg(key, count):
    return struct.unpack(f"<{count}I", stream(key, 4 * count))


def hchacha20(key, nonce):
    state = list(struct.unpack("<12I", b"expand 32-byte k" + key)) + list(struct.unpack("<4I", nonce))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            word = state[z] ^ state[x]
            state[z] = (word << turn | word >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return struct.pack("<8I", *state[:4], *state[12:])


def seal(key, nonce, plaintext, data):
    subkey = hchacha20(key, nonce[:16])
    return ChaCha20Poly1305(subkey).encrypt(bytes(4) + nonce[16:], plaintext, data)


def multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


def split(secret, threshold, xs, coefficients):
    shares = []
    for x in xs:
        share = bytearray(secret)
        power = 1
        for degree in range(threshold - 1):
            power = multiply(power, x)
            for index in range(32):
                share[index] ^= multiply(power, coefficients[32 * degree + index])
        shares.append(bytes(share))
    return shares


def message(kind, fields):
    return b"FSA1" + u8(kind) + fields


def listing(items):
    return u16(len(items)) + b"".join(items)


def vector(words, bits):
    return u8(bits) + u64(len(words)) + b"".join(u(bits // 8, word) for word in words)


def words32(words):
    return b"".join(map(u32, words))


def single(x):
    """x in single precision."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Quantiser:
    """SA1.md, Quantisation."""

    def __init__(self, n, bits, clip, weight_maximum, length, rotation):
        self.bits, self.clip, self.weight_maximum, self.length, self.rotation = bits, clip, weight_maximum, length, rotation
        self.commitment, bound, self.padded = bytes(32), clip, length
        if rotation:
            k = max(0, (length - 1).bit_length())
            self.padded = 1 << k
            self.seed = H("fsot/sa1/rotation/seed", u64(rotation["run_seed"]), u32(rotation["round"]))
            self.commitment = H("fsot/sa1/rotation", self.seed, u64(length))
            bound = clip * min(1.0, math.sqrt(2 * 0.6931471805599453 * (k + 21) / self.padded))
        largest = math.floor((2.0 ** (bits - 1) - 1) / n) - 1
        self.scale = math.nextafter(largest / bound, -math.inf)
        self.bound = self.scale * bound
        self.words = self.padded + (1 if weight_maximum else 0)

    def signs(self):
        bits = stream(self.seed, (self.padded + 7) // 8)
        return [-1 if bits[i // 8] >> (i % 8) & 1 else 1 for i in range(self.padded)]

    def rotate(self, update):
        values = [sign * x for sign, x in zip(self.signs(), update + [0.0] * (self.padded - len(update)))]
        # The matrix itself, not the fast transform: entry (i, j) of Sylvester's is -1 to the number of common bits.
        return [
            single(sum(-x if bin(i & j).count("1") & 1 else x for j, x in enumerate(values))) for i in range(self.padded)
        ]

    def encode(self, update, weight, rounding_key):
        norm = math.sqrt(sum(x * x for x in update))
        factor = 1.0 if norm <= self.clip else self.clip / norm
        if self.weight_maximum:
            factor *= weight / self.weight_maximum
        multiplier = factor * self.scale
        if self.rotation:
            multiplier *= 1 / math.sqrt(self.padded)
            update = self.rotate(update)
        words = []
        for x, random in zip(update, prg(rounding_key, len(update))):
            value = max(-self.bound, min(self.bound, x * multiplier))
            integer = math.floor(value)
            words.append((integer + (random < (value - integer) * 2.0**32)) % 2**self.bits)
        return words + ([weight] if self.weight_maximum else [])


def play(name, bits, clip, weight_maximum, updates, weights, rotation):
    members = 5
    cohort = [1, 2, 4, 5]
    survivors, dropouts = [1, 4, 5], [2]
    threshold, minimum = 3, 3
    label = name.encode()

    def fixed(*what, count=32):
        return hashlib.shake_256(b"sa1 vectors " + label + repr(what).encode()).digest(count)

    coordinator = Ed25519PrivateKey.from_private_bytes(fixed("coordinator"))
    signing = {i: Ed25519PrivateKey.from_private_bytes(fixed("member", i)) for i in range(1, members + 1)}
    roster = H("fsot/sa1/roster", raw(coordinator), *(raw(signing[i]) for i in range(1, members + 1)))
    length = len(updates["1"])
    quantiser = Quantiser(len(cohort), bits, clip, weight_maximum, length, rotation)
    session, emulator, state = fixed("session", count=16), fixed("emulator"), fixed("state")
    rule = "vectors/1"
    deadlines = [1_764_000_000_000 + 60_000 * leg for leg in range(5)]
    header = (
        b"FSA1" + session + u32(7) + roster + emulator + state + listing([u32(i) for i in cohort]) + u8(0) + u16(threshold)
        + u16(0) + u8(bits) + u64(quantiser.words) + f64(clip) + f64(quantiser.scale) + quantiser.commitment + u8(0) + f64(0.0)
        + u16(0) + u16(minimum) + b"".join(map(u64, deadlines)) + u32(weight_maximum)
    )
    assert len(header) == 241 + 4 * len(cohort)
    rh = H("fsot/sa1/round", header)

    draws = {
        i: [fixed("draw", i, 0), fixed("draw", i, 1), fixed("draw", i, 2), fixed("draw", i, 3)]
        + [fixed("draw", i, k, count=32 * (threshold - 1)) for k in (4, 5)]
        + [fixed("nonce", i, k, count=24) for k in range(len(cohort) - 1)]
        for i in cohort
    }
    sk_mask = {i: draws[i][0] for i in cohort}
    sk_enc = {i: draws[i][1] for i in cohort}
    seed = {i: draws[i][2] for i in cohort}
    pk_mask = {i: raw(X25519PrivateKey.from_private_bytes(sk_mask[i])) for i in cohort}
    pk_enc = {i: raw(X25519PrivateKey.from_private_bytes(sk_enc[i])) for i in cohort}
    position = {i: place + 1 for place, i in enumerate(cohort)}

    # R0
    advertisements = {}
    for i in cohort:
        commitment = H("fsot/sa1/nonce", draws[i][3])
        signature = signing[i].sign(b"fsot/sa1/R0" + rh + u32(i) + pk_mask[i] + pk_enc[i] + commitment)
        advertisements[i] = rh + u32(i) + pk_mask[i] + pk_enc[i] + commitment + signature
    advertisement_list = message(0x21, listing([advertisements[i] for i in cohort]))

    # R1
    seed_share, key_share, sealed, bundles, commitments, share_hashes, share_signatures = {}, {}, {}, {}, {}, {}, {}
    share_keys = {}
    for i in cohort:
        xs = [position[j] for j in cohort]
        seed_share[i] = dict(zip(cohort, split(seed[i], threshold, xs, draws[i][4])))
        key_share[i] = dict(zip(cohort, split(sk_mask[i], threshold, xs, draws[i][5])))
        commitments[i] = H("fsot/sa1/bcommit", rh, u32(i), seed[i])
        others = [j for j in cohort if j != i]
        for place, j in enumerate(others):
            key = H("fsot/sa1/enc", rh, u32(i), u32(j), pk_enc[i], pk_enc[j], dh(sk_enc[i], pk_enc[j]))
            share_keys[f"{i}-{j}"] = key.hex()
            nonce = draws[i][6 + place]
            sealed[i, j] = nonce + seal(key, nonce, seed_share[i][j] + key_share[i][j], rh + u32(i) + u32(j))
        share_hashes[i] = H("fsot/sa1/c", *(part for j in others for part in (u32(j), sealed[i, j])))
        share_signatures[i] = signing[i].sign(b"fsot/sa1/R1" + rh + u32(i) + share_hashes[i] + commitments[i])
        bundles[i] = message(
            0x30, rh + u32(i) + commitments[i] + listing([u32(j) + sealed[i, j] for j in others]) + share_signatures[i]
        )

    # R2
    deliveries = {}
    for j in cohort:
        entries = []
        for i in cohort:
            share = u8(0) if i == j else u8(1) + sealed[i, j]
            entries.append(u32(i) + commitments[i] + share_hashes[i] + share_signatures[i] + share)
        deliveries[j] = message(0x31, rh + listing(entries))
    sharers = H("fsot/sa1/U1", rh, *(part for i in cohort for part in (u32(i), commitments[i], share_hashes[i])))
    self_key = {i: H("fsot/sa1/self", rh, u32(i), seed[i]) for i in cohort}
    pair_key = {}
    for i in cohort:
        for j in cohort:
            if i < j:
                shared = dh(sk_mask[i], pk_mask[j])
                pair_key[i, j] = H("fsot/sa1/pair", rh, u32(i), u32(j), pk_mask[i], pk_mask[j], shared)
    inputs, masked, vector_hash, masked_signature, masked_messages, rounding = {}, {}, {}, {}, {}, {}
    for i in survivors:
        rounding[i] = fixed("rounding", i)
        inputs[i] = quantiser.encode(updates[str(i)], weights[str(i)], rounding[i])
        words = [x + m for x, m in zip(inputs[i], prg(self_key[i], quantiser.words))]
        for j in cohort:
            if j != i:
                sign = 1 if i < j else -1
                mask = prg(pair_key[min(i, j), max(i, j)], quantiser.words)
                words = [x + sign * m for x, m in zip(words, mask)]
        masked[i] = [x % 2**bits for x in words]
        vector_hash[i] = H("fsot/sa1/y", words32(masked[i]))
        masked_signature[i] = signing[i].sign(b"fsot/sa1/R2" + rh + u32(i) + sharers + vector_hash[i])
        masked_messages[i] = message(0x40, rh + u32(i) + sharers + vector(masked[i], bits) + masked_signature[i])

    # R3
    survivor_list = message(
        0x41, rh + listing([u32(i) + vector_hash[i] + masked_signature[i] for i in survivors])
    )
    survivors_hash = H("fsot/sa1/U2", rh, *(part for i in survivors for part in (u32(i), vector_hash[i])))
    confirmed = {i: signing[i].sign(b"fsot/sa1/R3" + rh + u32(i) + survivors_hash) for i in survivors}
    confirmations = {i: message(0x50, rh + u32(i) + survivors_hash + confirmed[i]) for i in survivors}

    # R4
    request = message(
        0x51,
        rh + listing([u32(i) for i in survivors]) + listing([u32(i) for i in dropouts])
        + listing([u32(i) + confirmed[i] for i in survivors[:threshold]]),
    )
    answers = {}
    for j in survivors:
        seeds = [(u32(i), seed_share[i][j]) for i in survivors]
        keys = [(u32(i), key_share[i][j]) for i in dropouts]
        parts = [part for entries in (seeds, keys) for part in [u32(len(entries))] + [x for entry in entries for x in entry]]
        signature = signing[j].sign(b"fsot/sa1/R4" + rh + u32(j) + H("fsot/sa1/answer", *parts))
        answers[j] = message(
            0x60, rh + u32(j) + listing([a + b for a, b in seeds]) + listing([a + b for a, b in keys]) + signature
        )

    # R5
    aggregate = [sum(column) % 2**bits for column in zip(*(inputs[i] for i in survivors))]
    next_state = H("fsot/sa1/state", state, words32(aggregate), rule.encode())
    transcript = H(
        "fsot/sa1/T", rh, B(advertisement_list), H("fsot/sa1/leg", *(B(bundles[i]) for i in cohort)), B(survivor_list),
        B(request), H("fsot/sa1/leg", *(B(answers[i]) for i in survivors)),
    )
    total = H("fsot/sa1/sum", u32(len(survivors)), *(u32(i) for i in survivors), words32(aggregate))
    signature = coordinator.sign(b"fsot/sa1/R5" + rh + u32(0) + total + transcript + next_state)
    result = message(
        0x70, rh + vector(aggregate, bits) + listing([u32(i) for i in survivors]) + transcript + next_state + signature
    )

    def by_id(values):
        return {str(i): value.hex() for i, value in values.items()}

    return {
        "name": name,
        "coordinator_seed": fixed("coordinator").hex(),
        "member_seeds": [fixed("member", i).hex() for i in range(1, members + 1)],
        "roster_hash": roster.hex(),
        "session": session.hex(), "emulator": emulator.hex(), "state": state.hex(), "round": 7, "update_rule": rule,
        "cohort": cohort, "survivors": survivors, "threshold": threshold, "minimum": minimum, "deadlines": deadlines,
        "bits": bits, "clip": clip, "scale": quantiser.scale, "weight_maximum": weight_maximum, "length": quantiser.words,
        "run_seed": rotation["run_seed"] if rotation else None, "rotation_commitment": quantiser.commitment.hex(),
        "header": message(0x10, header).hex(), "rh": rh.hex(),
        "signed_header": message(0x11, header + coordinator.sign(b"fsot/sa1/RH" + rh)).hex(),
        "draws": {str(i): [draw.hex() for draw in draws[i]] for i in cohort},
        "seed_commitments": by_id(commitments), "share_keys": share_keys, "self_keys": by_id(self_key),
        "pair_keys": {f"{i}-{j}": key.hex() for (i, j), key in pair_key.items()},
        "updates": updates, "weights": weights, "rounding_keys": by_id(rounding),
        "inputs": {str(i): inputs[i] for i in survivors}, "masked": {str(i): masked[i] for i in survivors},
        "vector_hashes": by_id(vector_hash), "sharers_hash": sharers.hex(), "survivors_hash": survivors_hash.hex(),
        "advertisements": {str(i): message(0x20, fields).hex() for i, fields in advertisements.items()},
        "advertisement_list": advertisement_list.hex(), "bundles": by_id(bundles), "deliveries": by_id(deliveries),
        "masked_messages": by_id(masked_messages), "survivor_list": survivor_list.hex(),
        "confirmations": by_id(confirmations), "request": request.hex(), "answers": by_id(answers),
        "aggregate": aggregate, "next_state": next_state.hex(), "transcript": transcript.hex(), "result": result.hex(),
    }


def main():
    # Sums of few binary fractions: exact in single precision in whatever order the transform adds.
    updates = {"1": [0.5, -1.25, 0.0, 3.0, -0.125], "4": [-2.0, 0.75, 1.0, -0.5, 0.25], "5": [64.0, -32.0, 8.0, 0.0, -1.0]}
    ones = {"1": 1, "4": 1, "5": 1}
    weights = {"1": 3, "4": 100, "5": 41}
    rotation = {"run_seed": 0x0123456789ABCDEF, "round": 7}
    rounds = [
        play("32 bits", 32, 4.0, 0, updates, ones, None),
        play("24 bits, weighted, rotated", 24, 4.0, 100, updates, weights, rotation),
        play("16 bits, rotated", 16, 4.0, 0, updates, ones, rotation),
        play("16 bits, weighted", 16, 4.0, 100, updates, weights, None),
    ]
    print(json.dumps({"rounds": rounds}, indent=1))


main()
