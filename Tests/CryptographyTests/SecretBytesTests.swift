import Cryptography
import Testing

@Suite("Secret memory, randomness and comparison")
struct SecretBytesTests {
    @Test func holdsWhatItWasGivenAndWipesTheSource() throws {
        var source: [UInt8] = [1, 2, 3, 4]
        let secret = try SecretBytes(wiping: &source)
        #expect(source == [0, 0, 0, 0])
        #expect(secret.exposed() == [1, 2, 3, 4])
        #expect(try secret.slice(1..<3).exposed() == [2, 3])
        #expect(throws: CryptographyError.self) { try secret.slice(2..<5) }
    }

    @Test func equalityDependsOnEveryByteAndOnTheLength() throws {
        let first = try SecretBytes(copying: [1, 2, 3])
        #expect(try first == SecretBytes(copying: [1, 2, 3]))
        #expect(try first != SecretBytes(copying: [1, 2, 4]))
        #expect(try first != SecretBytes(copying: [0, 2, 3]))
        #expect(try first != SecretBytes(copying: [1, 2]))
        #expect(try SecretBytes(copying: []) == SecretBytes(copying: []))
        #expect(ConstantTime.areEqual([7, 8], [7, 8]))
        #expect(!ConstantTime.areEqual([7, 8], [7, 9]))
        #expect(!ConstantTime.areEqual([7, 8], [7]))
    }

    @Test func nothingPrintsTheContent() throws {
        let secret = try SecretBytes(copying: Array("hunter2!".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("104"))
            #expect(text.contains("8 hidden bytes"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func aFailingInitialiserHandsItsErrorOn() {
        #expect(throws: CryptographyError.badSignature) {
            _ = try SecretBytes(count: 8) { _ in throw CryptographyError.badSignature }
        }
        #expect(throws: CryptographyError.noSecretMemory(count: -1)) { _ = try SecretBytes(count: -1) { _ in } }
        #expect(throws: CryptographyError.self) { _ = try SecretBytes(count: 1 << 60) { _ in } }
    }

    @Test func thousandsOfSecretsComeAndGo() throws {
        for _ in 0..<3 {
            let secrets = try (0..<2000).map { _ in try SecretBytes.random(count: 32) }
            #expect(Set(secrets.map { $0.exposed() }).count == 2000)
        }
    }

    @Test func randomBytesAreFreshAndCoverTheirRange() {
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(Set(SecureRandom.bytes(20000)).count == 256)
        let draws = (0..<2000).map { _ in SecureRandom.uniform(below: 6) }
        #expect(Set(draws) == Set(0..<6))
        var generator = SecureRandomGenerator()
        #expect(Array(0..<100).shuffled(using: &generator).sorted() == Array(0..<100))
        #expect(generator.next() != generator.next())
    }

    @Test func wipingReachesEveryElement() {
        var words: [UInt32] = [1, .max, 3]
        words.wipe()
        #expect(words == [0, 0, 0])
        var none: [UInt8] = []
        none.wipe()
        #expect(none.isEmpty)
    }
}
