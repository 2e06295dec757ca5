import Cryptography
import Testing

@Suite("Ciphers against their RFCs")
struct CipherTests {
    private let message = Array(
        ("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            + "sunscreen would be it.").utf8
    )
    private let additionalData = bytes("50515253c0c1c2c3c4c5c6c7")

    private func key() throws -> SecretBytes { try SecretBytes(copying: Array(0x80..<0xa0)) }

    @Test("The zero key's stream, in pieces and by counter") func stream() throws {
        let zero = try SecretBytes(copying: [UInt8](repeating: 0, count: 32))
        let first = bytes(
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                + "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        )
        #expect(try ChaCha20.stream(count: 64, key: zero) == first)
        let long = try ChaCha20.stream(count: 1000, key: zero)
        #expect(Array(long[..<64]) == first)
        #expect(try ChaCha20.stream(count: 1000 - 5 * 64, key: zero, counter: 5) == Array(long[320...]))
        #expect(try ChaCha20.stream(count: 64, key: zero, nonce: [1, 0, 0, 0, 0, 0, 0, 0]) != first)
        var text = message
        try text.withUnsafeMutableBytes { try ChaCha20.xor(into: $0, key: zero) }
        #expect(text == zip(message, long).map { $0 ^ $1 })
        #expect(throws: CryptographyError.self) { try ChaCha20.stream(count: 1, key: zero, nonce: [0]) }
        #expect(throws: CryptographyError.self) { try ChaCha20.stream(count: 1, key: zero.slice(0..<31)) }
    }

    @Test("RFC 8439, section 2.8.2") func chaCha20Poly1305() throws {
        let nonce = bytes("070000004041424344454647")
        let sealed = bytes(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b"
                + "2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d265"
                + "86cec64b6116" + "1ae10b594f09e26a7e902ecbd0600691"
        )
        #expect(try ChaCha20Poly1305.seal(message, key: key(), nonce: nonce, additionalData: additionalData) == sealed)
        #expect(try ChaCha20Poly1305.open(sealed, key: key(), nonce: nonce, additionalData: additionalData) == message)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: CryptographyError.notAuthentic) {
                try ChaCha20Poly1305.open(changed, key: key(), nonce: nonce, additionalData: additionalData)
            }
        }
        #expect(throws: CryptographyError.notAuthentic) {
            try ChaCha20Poly1305.open(sealed, key: key(), nonce: nonce, additionalData: [])
        }
        #expect(throws: CryptographyError.notAuthentic) {
            try ChaCha20Poly1305.open([1, 2, 3], key: key(), nonce: nonce)
        }
    }

    @Test("draft-irtf-cfrg-xchacha-03, appendix A.3.1") func xChaCha20Poly1305() throws {
        let nonce: [UInt8] = Array(0x40..<0x58)
        let sealed = bytes(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
                + "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615"
                + "c68b13b52e" + "c0875924c1c7987947deafd8780acf49"
        )
        #expect(try XChaCha20Poly1305.seal(message, key: key(), nonce: nonce, additionalData: additionalData) == sealed)
        #expect(
            try XChaCha20Poly1305.openSecret(sealed, key: key(), nonce: nonce, additionalData: additionalData).exposed()
                == message
        )
        #expect(throws: CryptographyError.notAuthentic) {
            try XChaCha20Poly1305.openSecret(
                sealed.dropLast() + [0],
                key: key(),
                nonce: nonce,
                additionalData: additionalData
            )
        }
        #expect(throws: CryptographyError.wrongLength(of: "XChaCha20Poly1305 nonce", expected: 24, actual: 12)) {
            try XChaCha20Poly1305.seal(message, key: key(), nonce: Array(nonce[..<12]))
        }
    }

    @Test func emptyMessagesAreAuthenticatedToo() throws {
        let nonce = SecureRandom.bytes(12)
        let sealed = try ChaCha20Poly1305.seal([UInt8](), key: key(), nonce: nonce)
        #expect(sealed.count == 16)
        #expect(try ChaCha20Poly1305.open(sealed, key: key(), nonce: nonce).isEmpty)
        #expect(throws: CryptographyError.notAuthentic) {
            try ChaCha20Poly1305.open(sealed, key: key(), nonce: SecureRandom.bytes(12))
        }
    }
}
