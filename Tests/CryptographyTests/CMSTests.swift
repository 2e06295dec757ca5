import Cryptography
import Foundation
import Testing

@Suite("CMS signatures, certificates and keys over OpenSSL")
struct CMSTests {
    private let content = Array("what is signed\r\nstays as it is\n".utf8)

    private func sign(_ bytes: [UInt8], _ certificate: Certificate, _ key: P256PrivateKey) throws -> [UInt8] {
        try bytes.withUnsafeBytes { try CMSDetachedSignature.sign($0, certificate: certificate, key: key) }
    }

    private func verify(_ signature: [UInt8], _ bytes: [UInt8], _ certificate: Certificate) throws {
        try bytes.withUnsafeBytes { try CMSDetachedSignature.verify(signature, over: $0, certificate: certificate) }
    }

    @Test func signatureVerifiesAndNamesItsSigner() throws {
        let key = try P256PrivateKey()
        let certificate = try Certificate.selfSigned(for: key, name: "owner.1")
        let signature = try sign(content, certificate, key)
        try verify(signature, content, certificate)
        let signer = try CMSDetachedSignature.signerCertificate(in: signature)
        #expect(try signer.der() == certificate.der())
        #expect(signer.commonName == "owner.1")
        try verify(sign([], certificate, key), [], certificate)
    }

    @Test func otherContentAndOtherSignersAreRefused() throws {
        let key = try P256PrivateKey()
        let certificate = try Certificate.selfSigned(for: key, name: "owner")
        let other = try P256PrivateKey()
        let otherCertificate = try Certificate.selfSigned(for: other, name: "owner")
        let signature = try sign(content, certificate, key)
        #expect(throws: OpenSSLError.self) { try verify(signature, content + [0], certificate) }
        #expect(throws: OpenSSLError.self) { try verify(signature, content, otherCertificate) }
        #expect(throws: OpenSSLError.self) { try verify(signature + [0], content, certificate) }
        #expect(throws: OpenSSLError.self) { try verify([], content, certificate) }
        #expect(throws: OpenSSLError.self) { try sign(content, certificate, other) }
    }

    @Test func aCutSignatureIsRefusedEverywhere() throws {
        let key = try P256PrivateKey()
        let certificate = try Certificate.selfSigned(for: key, name: "owner")
        let signature = try sign(content, certificate, key)
        for length in stride(from: 0, to: signature.count, by: 7) {
            #expect(throws: OpenSSLError.self) { try verify(Array(signature[..<length]), content, certificate) }
        }
    }

    /// Also in the envelope, which nothing signs.
    @Test func everyChangedBitOfASignatureIsRefused() throws {
        let key = try P256PrivateKey()
        let certificate = try Certificate.selfSigned(for: key, name: "owner")
        let signature = try sign(content, certificate, key)
        for index in signature.indices {
            for bit in 0..<8 {
                var changed = signature
                changed[index] ^= 1 << bit
                #expect(throws: OpenSSLError.self, "byte \(index), bit \(bit)") {
                    try verify(changed, content, certificate)
                }
            }
        }
    }

    @Test func keysSurvivePKCS8() throws {
        let key = try P256PrivateKey()
        let certificate = try Certificate.selfSigned(for: key, name: "a")
        let pem = try key.pkcs8PEM()
        #expect(String(decoding: pem.exposed(), as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        let again = try P256PrivateKey(pkcs8PEM: pem)
        #expect(certificate.matches(again))
        #expect(!certificate.matches(try P256PrivateKey()))
        let message = Array("m".utf8)
        let signature = try again.sign(message)
        #expect(certificate.isValid(signature, of: message))
        #expect(!certificate.isValid(signature, of: message + message))
        #expect(throws: OpenSSLError.self) {
            try P256PrivateKey(pkcs8PEM: SecretBytes(copying: Array("nothing".utf8)))
        }
    }

    /// A key of another kind, made for this test with `openssl genpkey -algorithm ED25519`.
    @Test func otherKindsOfKeysAreRefused() throws {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEIOKXv5xvyQPJFBnKQWtgrQrsAaauQu9kHU//m/3gfey9
            -----END PRIVATE KEY-----

            """
        let error = #expect(throws: OpenSSLError.self) {
            try P256PrivateKey(pkcs8PEM: SecretBytes(copying: Array(pem.utf8)))
        }
        #expect(error?.reason == "it is a key of another kind")
    }

    @Test func certificatesSurvivePEMAndSayWhoTheyAre() throws {
        let certificate = try Certificate.selfSigned(for: P256PrivateKey(), name: "alice")
        let again = try Certificate(pem: certificate.pem())
        #expect(try again.der() == certificate.der())
        #expect(try again.fingerprint() == SHA256.digest(certificate.der()))
        #expect(again.isSelfSigned)
        #expect(throws: OpenSSLError.self) { try Certificate.selfSigned(for: P256PrivateKey(), name: "a,b") }
        #expect(throws: OpenSSLError.self) { try Certificate.selfSigned(for: P256PrivateKey(), name: "") }
        #expect(throws: OpenSSLError.self) { try Certificate(pem: "no certificate") }
    }

    @Test func bulkSHA256AgreesWithTheOtherOne() throws {
        let bytes = SecureRandom.bytes(100_003)
        let hash = try BulkSHA256()
        for start in stride(from: 0, to: bytes.count, by: 4097) {
            try bytes[start..<min(start + 4097, bytes.count)].withUnsafeBytes { try hash.update($0) }
        }
        #expect(try hash.finalize() == SHA256.digest(bytes))
    }
}
