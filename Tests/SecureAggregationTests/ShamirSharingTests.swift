import Cryptography
import SecureAggregation
import Testing

@Suite("Shamir's sharing")
struct ShamirSharingTests {
    @Test(arguments: [(1, 1), (2, 3), (3, 5), (67, 100), (255, 255)])
    func anyThresholdOfSharesGivesTheSecret(threshold: Int, count: Int) throws {
        let secret = try SecretBytes.random(count: 32)
        let shares = try ShamirSharing.split(secret, threshold: threshold, xs: (1...count).map { UInt8($0) })
        for _ in 0..<5 {
            let chosen = (1...count).shuffled().prefix(threshold).map { x in
                (x: UInt8(x), share: Array(shares.exposed()[(x - 1) * 32..<x * 32]))
            }
            #expect(try ShamirSharing.combine(chosen) == secret)
            if threshold > 1 { #expect(try ShamirSharing.combine(Array(chosen.dropLast())) != secret) }
        }
    }

    @Test func sharesBelowTheThresholdAreUniform() throws {
        // One share of two for a fixed secret byte: every value must turn up, whatever the secret is.
        let secret = try SecretBytes(copying: [UInt8](repeating: 0x42, count: 8192))
        let shares = try ShamirSharing.split(secret, threshold: 2, xs: [1, 2])
        for start in [0, 8192] { #expect(Set(shares.exposed()[start..<start + 8192]).count == 256) }
    }

    @Test func impossibleParametersAreRefused() throws {
        let secret = try SecretBytes.random(count: 4)
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.split(secret, threshold: 3, xs: [1, 2]) }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.split(secret, threshold: 0, xs: [1, 2]) }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.split(secret, threshold: 2, xs: [0, 2]) }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.split(secret, threshold: 2, xs: [2, 2]) }
        #expect(throws: SecureAggregationError.self) {
            try ShamirSharing.split(secret, threshold: 2, xs: [1, 2], coefficients: secret.slice(0..<3))
        }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.combine([(1, [1]), (1, [2])]) }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.combine([(1, [1]), (2, [2, 3])]) }
        #expect(throws: SecureAggregationError.self) { try ShamirSharing.combine([]) }
    }
}
