import Cryptography
import Testing

/// What runs over weights gives the same bytes as the small primitives, which have their RFCs' answers.
@Suite("Ciphers and hashes for weights")
struct BulkTests {
    private let key: SecretBytes
    private let nonce: [UInt8] = Array(1...12)

    init() throws { key = try SecretBytes(copying: Array(0x80..<0xa0)) }

    private func seal(_ plaintext: [UInt8], _ cipher: BulkChaCha20Poly1305) throws -> [UInt8] {
        var sealed = [UInt8](repeating: 0, count: plaintext.count + 16)
        try plaintext.withUnsafeBytes { source in
            try sealed.withUnsafeMutableBytes { try cipher.seal(source, into: $0, nonce: nonce) }
        }
        return sealed
    }

    private func open(_ sealed: [UInt8], _ cipher: BulkChaCha20Poly1305) throws -> [UInt8] {
        var plaintext = [UInt8](repeating: 7, count: max(0, sealed.count - 16))
        try sealed.withUnsafeBytes { source in
            try plaintext.withUnsafeMutableBytes { try cipher.open(source, into: $0, nonce: nonce) }
        }
        return plaintext
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1000, 65_536]) func chaCha20Poly1305(_ count: Int) throws {
        let (sealer, opener) = (
            try BulkChaCha20Poly1305(key: key, sealing: true), try BulkChaCha20Poly1305(key: key, sealing: false)
        )
        let plaintext = SecureRandom.bytes(count)
        let sealed = try ChaCha20Poly1305.seal(plaintext, key: key, nonce: nonce)
        for _ in 0..<2 {
            #expect(try seal(plaintext, sealer) == sealed)
            #expect(try open(sealed, opener) == plaintext)
            var changed = sealed
            changed[count / 2] ^= 1
            #expect(throws: CryptographyError.notAuthentic) { try open(changed, opener) }
        }
        #expect(throws: CryptographyError.notAuthentic) { try open(Array(sealed.prefix(15)), opener) }
    }

    /// Plaintext whose tag is wrong is not left in the caller's buffer.
    @Test func whatIsNotAuthenticIsWiped() throws {
        var sealed = try ChaCha20Poly1305.seal(Array("a secret of some length".utf8), key: key, nonce: nonce)
        sealed[sealed.count - 1] ^= 1
        var buffer = [UInt8](repeating: 7, count: sealed.count - 16)
        let opener = try BulkChaCha20Poly1305(key: key, sealing: false)
        #expect(throws: CryptographyError.notAuthentic) {
            try sealed.withUnsafeBytes { source in
                try buffer.withUnsafeMutableBytes { try opener.open(source, into: $0, nonce: nonce) }
            }
        }
        #expect(buffer.allSatisfy { $0 == 0 })
    }

    @Test func wrongLengths() throws {
        #expect(throws: CryptographyError.self) { try BulkChaCha20Poly1305(key: key.slice(0..<31), sealing: true) }
        let sealer = try BulkChaCha20Poly1305(key: key, sealing: true)
        var small = [UInt8](repeating: 0, count: 17)
        #expect(throws: CryptographyError.self) {
            try [1, 2].withUnsafeBytes { source in
                try small.withUnsafeMutableBytes { try sealer.seal(source, into: $0, nonce: nonce) }
            }
        }
        #expect(throws: CryptographyError.self) {
            try [UInt8(1)].withUnsafeBytes { source in
                try small.withUnsafeMutableBytes { try sealer.seal(source, into: $0, nonce: [1]) }
            }
        }
    }

    @Test(arguments: [0, 1, 262_143, 262_144, 262_145, 5_000_003]) func backgroundSHA256(_ count: Int) throws {
        let bytes = SecureRandom.bytes(count)
        let hash = try BackgroundSHA256()
        for start in stride(from: 0, to: count, by: 100_001) {
            bytes[start..<min(start + 100_001, count)].withUnsafeBytes { hash.update($0) }
        }
        #expect(hash.count == count)
        #expect(try hash.finalize() == SHA256.digest(bytes))
    }

    /// One that is given up in the middle waits for its thread and goes.
    @Test func abandonedHashes() throws {
        for _ in 0..<20 {
            let hash = try BackgroundSHA256()
            SecureRandom.bytes(700_000).withUnsafeBytes { hash.update($0) }
        }
    }

    // MARK: - Certificates

    @Test func authoritiesIssueCertificates() throws {
        let (root, member) = (try P256PrivateKey(), try P256PrivateKey())
        let authority = try Certificate.authority(for: root, name: "clinics")
        let request = try Certificate.selfSigned(for: member, name: "owner")
        let issued = try Certificate.issued(for: request, name: "owner", by: authority, key: root, days: 2)
        #expect(authority.isAuthority && authority.isSelfSigned && authority.namesItselfAsIssuer)
        #expect(!issued.isAuthority && !issued.isSelfSigned && !issued.namesItselfAsIssuer)
        #expect(issued.isIssued(by: authority) && !request.isIssued(by: authority) && !issued.isIssued(by: request))
        #expect(issued.matches(member) && issued.commonName == "owner")
        let (first, last) = (try #require(issued.notBefore), try #require(issued.notAfter))
        #expect((2 * 86_400...2 * 86_400 + 3_700).contains(last - first))
        #expect(throws: OpenSSLError.self) {
            try Certificate.issued(for: request, name: "owner", by: request, key: member, days: 2)
        }
        #expect(throws: OpenSSLError.self) {
            try Certificate.issued(for: request, name: "owner", by: authority, key: member, days: 2)
        }
        let twin = try Certificate.authority(for: try P256PrivateKey(), name: "clinics")
        #expect(!issued.isIssued(by: twin))
    }
}
