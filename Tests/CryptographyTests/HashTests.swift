import Cryptography
import Testing

@Suite("Hashes and derived keys against their RFCs")
struct HashTests {
    @Test("RFC 7693's function with 32 bytes, checked with hashlib") func blake2b() throws {
        #expect(
            BLAKE2b256.digest(Array("abc".utf8))
                == bytes("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
        )
        #expect(BLAKE2b256.digest([]) == bytes("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"))
        let hasher = BLAKE2b256()
        hasher.update(Array("a".utf8))
        hasher.update([UInt8]())
        try hasher.update(SecretBytes(copying: Array("bc".utf8)))
        #expect(
            try hasher.finalizeSecret()
                == secret("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
        )
    }

    @Test("SA1's rh of secagg_kat.json, and injectivity") func taggedHash() throws {
        let expected = bytes("9644c24c0bfd197a72b0bdfb939eb00c7969eb3546550101e5fe6f0e3f11d973")
        #expect(
            TaggedHash.digest("fsot/sa1/round", Array("kat-session-0001".utf8), UInt32(7).littleEndianBytes) == expected
        )
        let hash = TaggedHash("fsot/sa1/round")
        try hash.append(SecretBytes(copying: Array("kat-session-0001".utf8)))
        hash.append(UInt32(7))
        #expect(try hash.secret() == SecretBytes(copying: expected))
        #expect(TaggedHash.digest("t", [1, 2], [3]) != TaggedHash.digest("t", [1], [2, 3]))
        #expect(TaggedHash.digest("t", [1]) != TaggedHash.digest("t", [1], []))
        let words = TaggedHash("t")
        words.append(words: [1, 0x0403_0201])
        #expect(words.digest() == TaggedHash.digest("t", [1, 0, 0, 0, 1, 2, 3, 4]))
    }

    @Test("FIPS 180-4") func sha256() {
        let abc = bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256.digest(Array("abc".utf8)) == abc)
        #expect(SHA256.digest([]) == bytes("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        let hasher = SHA256()
        for byte in "abc".utf8 { hasher.update([byte]) }
        #expect(hasher.finalize() == abc)
    }

    @Test("RFC 4231, cases 1, 2 and 6") func hmac() throws {
        let cases: [([UInt8], String, String)] = [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
        for (key, message, code) in cases {
            let key = try SecretBytes(copying: key)
            #expect(HMACSHA256.code(for: Array(message.utf8), key: key) == bytes(code))
            #expect(HMACSHA256.isValid(bytes(code), for: Array(message.utf8), key: key))
            #expect(!HMACSHA256.isValid(bytes(code), for: Array(message.utf8) + [0], key: key))
        }
    }

    @Test("RFC 5869, cases 1 to 3") func hkdf() throws {
        #expect(
            try HKDFSHA256.derive(
                from: SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22)),
                salt: Array(0..<13),
                info: Array(0xf0..<0xfa),
                count: 42
            )
                == secret("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        )
        #expect(
            try HKDFSHA256.derive(
                from: SecretBytes(copying: Array(0..<0x50)),
                salt: Array(0x60..<0xb0),
                info: Array(0xb0...0xff),
                count: 82
            )
                == secret(
                    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                        + "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
                )
        )
        #expect(
            try HKDFSHA256.derive(from: SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22)), count: 42)
                == secret("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
        )
        let longest = try HKDFSHA256.expand(SecretBytes.random(count: 32), info: [], count: 255 * 32)
        #expect(longest.count == 8160)
        #expect(throws: CryptographyError.self) {
            try HKDFSHA256.expand(SecretBytes.random(count: 32), info: [], count: 8161)
        }
    }

    @Test("Argon2id, checked with OpenSSL's (2 passes, 1 MiB)") func argon2id() throws {
        let password = try SecretBytes(copying: Array("correct horse".utf8))
        #expect(
            try Argon2id.derive(from: password, salt: Array(0..<16), passes: 2, memoryBytes: 1 << 20)
                == secret("77237b8a217dfd77699617e3893817f9fa215bff881849f3c007154da0b4788d")
        )
        #expect(throws: CryptographyError.self) { try Argon2id.derive(from: password, salt: [1], passes: 2) }
        #expect(throws: CryptographyError.self) {
            try Argon2id.derive(from: password, salt: Array(0..<16), passes: 0, memoryBytes: 1 << 20)
        }
    }

    @Test("RFC 7914, section 12") func scrypt() throws {
        #expect(
            try Scrypt.derive(from: SecretBytes(copying: []), salt: [], logN: 4, r: 1, p: 1, count: 64)
                == secret(
                    "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                        + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
                )
        )
        #expect(
            try Scrypt.derive(
                from: SecretBytes(copying: Array("password".utf8)),
                salt: Array("NaCl".utf8),
                logN: 10,
                r: 8,
                p: 16,
                count: 64
            )
                == secret(
                    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                        + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
                )
        )
        #expect(throws: CryptographyError.self) {
            try Scrypt.derive(from: SecretBytes(copying: [1]), salt: [], logN: 31)
        }
    }
}
