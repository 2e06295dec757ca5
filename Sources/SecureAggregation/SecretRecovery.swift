import Cryptography

/// Gives back a participant's secret from the shares of many, some of which may be wrong (federation.md 1.4).
///
/// The commitment that the secret must fit says what is right; shares are found wrong by decoding, or by trying other
/// sets. What one secret taught about the senders is used for the next.
package struct SecretRecovery {
    private let xs: [UInt8]
    private let threshold: Int
    /// Places of the shares to try first.
    private var trusted: [Int]

    /// - Parameter xs: the senders' positions, at least `threshold`.
    package init(xs: [UInt8], threshold: Int) {
        self.xs = xs
        self.threshold = threshold
        trusted = Array(0..<threshold)
    }

    /// The secret, or nil when no set that was tried gives what `isRight` accepts.
    ///
    /// - Parameter shares: 32 bytes from each sender.
    /// - Throws: what `isRight` throws, `CryptographyError.noSecretMemory`.
    package mutating func recover(_ shares: [[UInt8]], check isRight: (SecretBytes) throws -> Bool) throws
        -> SecretBytes?
    {
        if let secret = try attempt(trusted, shares, isRight) { return secret }
        if let places = correct(shares), let secret = try attempt(places, shares, isRight) {
            trusted = places
            return secret
        }
        var subsets = Subsets(of: xs.count, taking: threshold)
        while let places = subsets.next() {
            if let secret = try attempt(places, shares, isRight) {
                trusted = places
                return secret
            }
        }
        return nil
    }

    private func attempt(
        _ places: [Int],
        _ shares: [[UInt8]],
        _ isRight: (SecretBytes) throws -> Bool
    ) throws -> SecretBytes? {
        let secret = try ShamirSharing.combine(places.map { (x: xs[$0], share: shares[$0]) })
        return try isRight(secret) ? secret : nil
    }

    /// The first `threshold` senders all of whose bytes are right, if decoding finds them.
    private func correct(_ shares: [[UInt8]]) -> [Int]? {
        let decoder = ShareCorrection(xs: xs, threshold: threshold)
        var wrong: Set<Int> = []
        for byte in 0..<(shares.first?.count ?? 0) {
            guard let errors = decoder.errors(shares.map { $0[byte] }) else { return nil }
            wrong.formUnion(errors)
        }
        let right = xs.indices.filter { !wrong.contains($0) }
        return right.count >= threshold ? Array(right.prefix(threshold)) : nil
    }
}
