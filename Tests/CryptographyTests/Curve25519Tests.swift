import Cryptography
import Testing

@Suite("X25519 and Ed25519 against their RFCs")
struct Curve25519Tests {
    @Test("RFC 7748, section 6.1") func diffieHellman() throws {
        let a = try X25519KeyPair(secretKey: secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let b = try X25519KeyPair(secretKey: secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(a.publicKey == bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(b.publicKey == bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        let shared = try secret("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(try X25519.sharedSecret(a.secretKey, with: b.publicKey) == shared)
        #expect(try X25519.sharedSecret(b.secretKey, with: a.publicKey) == shared)
    }

    @Test(
        "Low-order points are refused",
        arguments: [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ]
    ) func lowOrder(point: String) throws {
        let pair = try X25519KeyPair()
        #expect(throws: CryptographyError.lowOrderPublicKey) {
            try X25519.sharedSecret(pair.secretKey, with: bytes(point))
        }
    }

    @Test func wrongLengthsAreRefused() throws {
        let pair = try X25519KeyPair()
        #expect(throws: CryptographyError.self) { try X25519.sharedSecret(pair.secretKey, with: [1, 2, 3]) }
        #expect(throws: CryptographyError.self) { try X25519.publicKey(of: SecretBytes.random(count: 31)) }
        #expect(throws: CryptographyError.self) { try Ed25519SigningKey(seed: SecretBytes.random(count: 33)) }
    }

    @Test(
        "RFC 8032, section 7.1",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
                    + "595bbe24655141438e7a100b"
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
                    + "b4302aeeb00d291612bb0c00"
            ),
        ]
    ) func signature(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = try Ed25519SigningKey(seed: secret(seed))
        #expect(key.publicKey == bytes(publicKey))
        #expect(try key.sign(bytes(message)) == bytes(signature))
        #expect(Ed25519.isValid(bytes(signature), of: bytes(message), publicKey: key.publicKey))
    }

    @Test func everyChangedBitBreaksASignature() throws {
        let key = try Ed25519SigningKey()
        let message = Array("what is signed".utf8)
        let signature = try key.sign(message)
        try Ed25519.verify(signature, of: message, publicKey: key.publicKey)
        for bit in 0..<signature.count * 8 {
            var changed = signature
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!Ed25519.isValid(changed, of: message, publicKey: key.publicKey))
        }
        #expect(throws: CryptographyError.badSignature) {
            try Ed25519.verify(signature, of: message + [0], publicKey: key.publicKey)
        }
        #expect(!Ed25519.isValid(Array(signature.dropLast()), of: message, publicKey: key.publicKey))
        #expect(try !Ed25519.isValid(signature, of: message, publicKey: Ed25519SigningKey().publicKey))
    }
}
