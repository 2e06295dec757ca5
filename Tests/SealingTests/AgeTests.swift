import Cryptography
import Foundation
import Sealing
import Testing

@Suite("age files")
struct AgeTests {
    static let chunk = 64 << 10

    static func encrypt(_ plaintext: [UInt8], to recipients: [AgeRecipient]) throws -> [UInt8] {
        let sink = MemorySink()
        let encryptor = try AgeEncryptor(to: recipients, sink: sink)
        for start in stride(from: 0, to: plaintext.count, by: 50_001) {
            try plaintext[start..<min(start + 50_001, plaintext.count)].withUnsafeBytes { try encryptor.write($0) }
        }
        try encryptor.finish()
        return sink.bytes
    }

    static func decrypt(_ file: [UInt8], _ identity: AgeIdentity) throws -> [UInt8] {
        let source = try AgeDecryptor(MemorySource(file), identity: identity, what: "test.age", holder: "me")
        var plaintext = [UInt8]()
        var buffer = [UInt8](repeating: 0, count: 40_000)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
            if count == 0 { return plaintext }
            plaintext += buffer[..<count]
        }
    }

    @Test(arguments: [
        0, 1, 63, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 17, 4 * chunk, 4 * chunk + 1, 9 * chunk - 5,
    ])
    func everyRecipientReadsAnySize(_ count: Int) throws {
        let identities = try (0..<3).map { _ in try AgeIdentity() }
        let plaintext = SecureRandom.bytes(count)
        let file = try Self.encrypt(plaintext, to: identities.prefix(2).map(\.recipient))
        #expect(try Self.decrypt(file, identities[0]) == plaintext)
        #expect(try Self.decrypt(file, identities[1]) == plaintext)
        #expect(throws: SealingError.notARecipient(what: "test.age", identity: "me")) {
            try Self.decrypt(file, identities[2])
        }
    }

    @Test func everyChangedByteOfHeaderAndPayloadIsRefused() throws {
        let identity = try AgeIdentity()
        let file = try Self.encrypt(Array("a short text".utf8), to: [AgeIdentity().recipient, identity.recipient])
        for index in file.indices {
            for mask in [UInt8(1), 0x20, 0x80] {
                var changed = file
                changed[index] ^= mask
                #expect(throws: SealingError.self, "byte \(index) ^ \(mask)") { try Self.decrypt(changed, identity) }
            }
        }
        for length in file.indices {
            #expect(throws: SealingError.self) { try Self.decrypt(Array(file[..<length]), identity) }
        }
        #expect(throws: SealingError.self) { try Self.decrypt(file + [0], identity) }
    }

    @Test func chunksCannotBeCutReorderedRepeatedOrAdded() throws {
        let identity = try AgeIdentity()
        let file = try Self.encrypt(SecureRandom.bytes(3 * Self.chunk), to: [identity.recipient])
        let sealed = Self.chunk + 16
        let head = Array(file[..<(file.count - 3 * sealed)])
        let chunks = (0..<3).map { Array(file[(head.count + $0 * sealed)..<(head.count + ($0 + 1) * sealed)]) }
        #expect(try Self.decrypt(head + chunks[0] + chunks[1] + chunks[2], identity).count == 3 * Self.chunk)
        for order in [[0], [0, 1], [1, 0, 2], [0, 2], [0, 0, 1, 2], [0, 1, 2, 2], [0, 1, 1], [2], []] {
            #expect(throws: SealingError.self, "\(order)") {
                try Self.decrypt(head + order.flatMap { chunks[$0] }, identity)
            }
        }
    }

    /// What c2sp.org/age forbids in a header, though a program might let it pass.
    @Test(arguments: [
        ("age-encryption.org/v1\n", "age-encryption.org/v2\n"),
        ("age-encryption.org/v1\n", "age-encryption.org/v1\r\n"),
        ("-> X25519 ", "->  X25519 "), ("-> X25519 ", "-> X25519  "), ("\n---", " \n---"), ("\n---", "\n\n---"),
        ("\n---", "=\n---"), ("--- ", "---"), ("--- ", "---  "), ("-> X25519 ", "-> scrypt AAAA 18\nAAAA\n-> X25519 "),
    ])
    func strictHeaders(_ old: String, _ new: String) throws {
        let identity = try AgeIdentity()
        let file = try Self.encrypt([1, 2, 3], to: [identity.recipient])
        let old = Array(old.utf8)
        let place = try #require(file.indices.first { file[$0...].starts(with: old) })
        let changed = Array(file[..<place]) + Array(new.utf8) + Array(file[(place + old.count)...])
        #expect(throws: SealingError.self) { try Self.decrypt(changed, identity) }
    }

    @Test func lowOrderKeysAreRefused() throws {
        let zero = String(
            decoding: Bech32.encode(prefix: "age", bytes: [UInt8](repeating: 0, count: 32)),
            as: UTF8.self
        )
        #expect(throws: CryptographyError.lowOrderPublicKey) { try Self.encrypt([1], to: [AgeRecipient(zero)]) }
        #expect(throws: SealingError.noRecipients) { try Self.encrypt([1], to: []) }
    }

    @Test(.enabled(if: Tools.areAllThere, "needs tar, age and openssl"), arguments: [0, 1, 65_536, 200_000])
    func stockAgeAndWeReadEachOther(_ count: Int) throws {
        let scratch = try Scratch()
        let identity = try AgeIdentity()
        let plaintext = SecureRandom.bytes(count)
        try scratch.write(identity.text().exposed() + [10], to: "key.txt")
        try scratch.write(Self.encrypt(plaintext, to: [identity.recipient, AgeIdentity().recipient]), to: "ours.age")
        let opened = try Tools.run("age -d -i key.txt ours.age > out && age-keygen -y key.txt", in: scratch.path)
        #expect(opened.output == "\(identity.recipient)\n")
        #expect(try scratch.bytes("out") == plaintext)
        let line = "age-keygen -o other.txt; age -r $(age-keygen -y other.txt) -r \(identity.recipient) -o t.age out"
        #expect(try Tools.run(line, in: scratch.path).status == 0)
        #expect(try Self.decrypt(scratch.bytes("t.age"), identity) == plaintext)
    }

    /// Made with age 1.1.1 and two keys of `age-keygen`, for this test only.
    @Test func filesOfStockAgeAreRead() throws {
        let first = try AgeIdentity(
            text: Array("AGE-SECRET-KEY-1SP0UJU6G56U5S7Q0F7ZWKWH0T5Z44647F3E80QSW0UYKXHNDKYXQCAJGZV".utf8)
        )
        let second = try AgeIdentity(
            text: Array("AGE-SECRET-KEY-1NV0AZENGGJFXF29DPDVKGDW000DP8AQ0DF3MRX4Z9TECS4CG9KJSZDZPHS".utf8)
        )
        #expect(first.recipient.description == "age18squn6dtrgae0mt5ve43gk4dtxg2epr542exupz2ra8ntky3jghqn8tq0f")
        let both =
            "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSArbC91dEJlTTVjWGFiMVRyZHhmeEZDbHJESTBlbFVyUU5zMHRMWVpw"
            + "RFZjCmYrNUptN21BY2lxcnZZNlZ0UHEyVEdncEt4MGRpUS9ad2JaVHl6YUJJODQKLT4gWDI1NTE5IFRkR0NOWjBib0s1OWF6"
            + "SEV3Yk9OcjJaMXFrWnhpbWRRakE3ZjFHcmFJa1kKaDFEZkVYRkRaZmlCdWRMaExXdDNQYUc4SUE2czZ4Z2xWRCszSW00bkFI"
            + "SQotLS0gUlVWRXNJUmFTaHAvNDFWYk1RM0x4Wk4rNlg2cGNQQXo0dUxENk5BL0hKUQrm2dEOgGxTrsRlu3ViqEoFiKl0FqyV"
            + "WhJGMg6H32SBuOrrzBtsb63yrkdG8SQLSFkZQ3loGA9k1L6VHuDPxJSPTqE="
        let empty =
            "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBkS3kvZUxKVUdPeDVNYWRzbmdPeFZUamY1MWczNTZUMGVzWnZYUFBM"
            + "bEhzCnEwMmhaSGgyRVdoaDMzVzczb2tDeERFdXptTU4zSkpMM1ZGelhSRGUrWEEKLS0tIGlXdGNxRGhDUEVYb3ZTWUJacUda"
            + "VXpwZkozYnJzeEpabjJuanp5Q2lzUE0KbGYTi5YX8BH/HliwWimMnbGX6rNfJ+kCOz7CFRJH/No="
        let file = Array(try #require(Data(base64Encoded: both)))
        #expect(try Self.decrypt(file, first) == Array("A sealed emulator opens with age.\n".utf8))
        #expect(try Self.decrypt(file, second) == Array("A sealed emulator opens with age.\n".utf8))
        let nothing = Array(try #require(Data(base64Encoded: empty)))
        #expect(try Self.decrypt(nothing, first).isEmpty)
        #expect(throws: SealingError.self) { try Self.decrypt(nothing, second) }
    }
}
