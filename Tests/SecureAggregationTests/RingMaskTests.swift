import Cryptography
import SecureAggregation
import Testing

@Suite("Masks on several cores")
struct RingMaskTests {
    /// Several pieces for several threads, the last one short, against the streams added one after the other.
    @Test(arguments: [0, 1, 2047, 2049, 65_536, 200_001]) func piecesAddUpToWholeStreams(count: Int) throws {
        let keys = try (0..<5).map { _ in try SecretBytes.random(count: 32) }
        let signs: [RingMask.Sign] = [.plus, .minus, .minus, .plus, .minus]
        let start = (0..<count).map { UInt32(truncatingIfNeeded: $0 &* 2_654_435_761) }
        var expected = start
        for (sign, key) in zip(signs, keys) {
            let stream = try ChaCha20.stream(count: 4 * count, key: key)
            for index in 0..<count {
                let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(stream[4 * index + $1]) << UInt32(8 * $1) }
                expected[index] = sign == .plus ? expected[index] &+ word : expected[index] &- word
            }
        }
        var words = start
        RingMask.apply(try MaskKeys(count: 5) { (signs[$0], keys[$0]) }, to: &words)
        #expect(words == expected)
        RingMask.apply(try MaskKeys(count: 5) { (signs[$0].opposite, keys[$0]) }, to: &words)
        #expect(words == start)
    }

    @Test func aKeyOfAnotherLengthIsRefused() throws {
        let short = try SecretBytes.random(count: 31)
        #expect(throws: CryptographyError.self) { try MaskKeys(count: 1) { _ in (.plus, short) } }
    }
}
