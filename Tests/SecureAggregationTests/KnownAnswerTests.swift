import Cryptography
import Foundation
import SecureAggregation
import Testing

@Suite("secagg_kat.json, byte for byte")
struct KnownAnswerTests {
    struct Vectors: Decodable {
        struct Client: Decodable {
            let sk: String
            let pk: String
            let b: String
            let x: [UInt32]
            let self_key: String
            let y: [UInt32]
        }
        struct Shamir: Decodable {
            let secret: String
            let t: Int
            let c1: String
            let shares: [String: String]
        }
        let rh: String
        let clients: [String: Client]
        let pair_keys: [String: String]
        let sum_all: [UInt32]
        let sum_without_3: [UInt32]
        let shamir: Shamir
    }

    let vectors: Vectors

    init() throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/golden/secagg_kat.json")
        vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: golden))
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] { [UInt8](hexadecimal: hexadecimal) ?? [] }

    private func secret(_ hexadecimal: String) throws -> SecretBytes { try SecretBytes(copying: bytes(hexadecimal)) }

    private func client(_ id: UInt32) throws -> Vectors.Client { try #require(vectors.clients["\(id)"]) }

    private func pairKey(_ me: UInt32, _ other: UInt32) throws -> SecretBytes {
        try RoundDerivations.pairKey(
            roundHash: bytes(vectors.rh),
            secretKey: secret(client(me).sk),
            me: me,
            myPublicKey: bytes(client(me).pk),
            other: other,
            otherPublicKey: bytes(client(other).pk)
        )
    }

    private func selfKey(_ id: UInt32) throws -> SecretBytes {
        try RoundDerivations.selfKey(roundHash: bytes(vectors.rh), id: id, seed: secret(client(id).b))
    }

    @Test func keys() throws {
        #expect(
            TaggedHash.digest("fsot/sa1/round", Array("kat-session-0001".utf8), UInt32(7).littleEndianBytes)
                == bytes(vectors.rh)
        )
        for id in 1...3 as ClosedRange<UInt32> {
            #expect(try X25519.publicKey(of: secret(client(id).sk)) == bytes(client(id).pk))
            #expect(try selfKey(id) == secret(client(id).self_key))
        }
        #expect(vectors.pair_keys.count == 3)
        for (pair, key) in vectors.pair_keys {
            let ids = pair.split(separator: "-").compactMap { UInt32($0) }
            #expect(try pairKey(ids[0], ids[1]) == secret(key))
            #expect(try pairKey(ids[1], ids[0]) == secret(key))
        }
    }

    private func masked(_ id: UInt32) throws -> [UInt32] {
        var words = try client(id).x
        try RingMask.apply(.plus, key: selfKey(id), to: &words)
        for other in 1...3 as ClosedRange<UInt32> where other != id {
            try RingMask.apply(.of(id, towards: other), key: pairKey(id, other), to: &words)
        }
        return words
    }

    @Test func maskedVectorsAndSums() throws {
        for id in 1...3 as ClosedRange<UInt32> { #expect(try masked(id) == client(id).y) }
        #expect(try masked(1)[0] == 1_779_946_897)

        var all = [UInt32](repeating: 0, count: 8)
        for id in 1...3 as ClosedRange<UInt32> {
            all = zip(all, try client(id).y).map { $0 &+ $1 }
            try RingMask.apply(.minus, key: selfKey(id), to: &all)
        }
        #expect(all == vectors.sum_all)

        var two = zip(try client(1).y, try client(2).y).map { $0 &+ $1 }
        for survivor in [1, 2] as [UInt32] {
            try RingMask.apply(.minus, key: selfKey(survivor), to: &two)
            try RingMask.apply(
                RingMask.Sign.of(survivor, towards: 3).opposite,
                key: pairKey(3, survivor),
                to: &two
            )
        }
        #expect(two == vectors.sum_without_3)
    }

    @Test func shamir() throws {
        let shares = try ShamirSharing.split(
            secret(vectors.shamir.secret),
            threshold: vectors.shamir.t,
            xs: [1, 2, 3],
            coefficients: secret(vectors.shamir.c1)
        )
        for x in 1...3 {
            #expect(try shares.slice((x - 1) * 32..<x * 32) == secret(try #require(vectors.shamir.shares["\(x)"])))
        }
    }

    @Test("draft-mcgrew-tss-03, section 9") func thresholdSecretSharingDraft() throws {
        #expect(
            try ShamirSharing.combine([(1, bytes("B9FA07E185")), (2, bytes("F5409B4511"))]).exposed()
                == bytes("7465737400")
        )
    }

    @Test("A mask longer than a chunk is one stream") func longMask() throws {
        let key = try SecretBytes.random(count: 32)
        var words = [UInt32](repeating: 0, count: 40_001)
        try RingMask.apply(.plus, key: key, to: &words)
        let stream = try ChaCha20.stream(count: 4 * words.count, key: key)
        for index in [0, 15, 16, 16_383, 16_384, 32_768, 40_000] {
            let expected = (0..<4).reduce(UInt32(0)) { $0 | UInt32(stream[4 * index + $1]) << UInt32(8 * $1) }
            #expect(words[index] == expected)
        }
        try RingMask.apply(.minus, key: key, to: &words)
        #expect(words.allSatisfy { $0 == 0 })
    }
}
