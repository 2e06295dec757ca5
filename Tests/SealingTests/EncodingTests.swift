import Cryptography
import Foundation
import Sealing
import Testing

@Suite("Base64 and Bech32, strict")
struct EncodingTests {
    @Test func base64IsFoundationsBase64() {
        for count in 0..<100 {
            let bytes = SecureRandom.bytes(count)
            let text = Data(bytes).base64EncodedString()
            #expect(String(decoding: Base64.encode(bytes, padded: true), as: UTF8.self) == text)
            #expect(Base64.decode(Array(text.utf8), padded: true) == bytes)
            let bare = Base64.encode(bytes, padded: false)
            #expect(Base64.decode(bare, padded: false) == bytes)
        }
    }

    @Test(arguments: ["QQ", "QR==", "QQ=", "Q===", "QQ==QQ==", "Q Q=", "QQ\n=", "====", "QUJ=="])
    func otherPaddedTextsAreRefused(_ text: String) {
        #expect(Base64.decode(Array(text.utf8), padded: true) == nil)
    }

    @Test(arguments: ["QR", "Q", "QQ==", "QUJ", "Q-"])
    func otherBareTextsAreRefused(_ text: String) {
        #expect(Base64.decode(Array(text.utf8), padded: false) == nil)
    }

    /// BIP 173's own vectors.
    @Test(arguments: [
        "A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    ])
    func validBech32(_ text: String) throws {
        let decoded = try #require(Bech32.decode(Array(text.utf8)))
        #expect(
            String(decoding: Bech32.encode(prefix: decoded.prefix, bytes: decoded.bytes), as: UTF8.self)
                == text.lowercased()
        )
    }

    @Test(arguments: [
        "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "10a06t8", "1qzzfhee", "a12UEL5L",
        "A12UEL5M",
    ])
    func invalidBech32(_ text: String) {
        #expect(Bech32.decode(Array(text.utf8)) == nil)
    }

    @Test func ageKeysAreReadStrictly() throws {
        let identity = try AgeIdentity()
        var text = try identity.text().exposed()
        #expect(try AgeIdentity(text: text).recipient == identity.recipient)
        let recipient = identity.recipient.description
        #expect(try AgeRecipient(recipient) == identity.recipient)
        #expect(throws: SealingError.self) { try AgeRecipient(recipient.uppercased()) }
        #expect(throws: SealingError.self) { try AgeRecipient(String(recipient.dropLast())) }
        text[30] = text[30] == 81 ? 80 : 81
        #expect(throws: SealingError.self) { try AgeIdentity(text: text) }
    }
}
