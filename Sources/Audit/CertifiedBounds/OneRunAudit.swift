/// What an auditor has after one training run with canaries: the input of every one-run bound.
///
/// Each canary is included by a fair coin of its own, tossed before training: independent coins, never a fixed half. The
/// auditor then says "in" or "out" for some, and abstains on the rest; which ones it guesses must not depend on the coins.
public struct OneRunAudit: Sendable, Equatable {
    /// Canaries whose coins were tossed, m.
    public let canaries: Int
    /// Guesses that were made, r.
    public let guesses: Int
    /// Guesses that were right, v.
    public let correct: Int
    /// The δ of the claim that is tested; 0 for pure differential privacy.
    public let delta: Double
    /// Chance to claim too much, such as 0.05.
    public let significance: Double

    /// The largest number of canaries.
    public static let mostCanaries = 10_000_000

    /// Checks the counts.
    ///
    /// - Throws: `AuditError.outOfRange`.
    public init(
        canaries: Int,
        guesses: Int,
        correct: Int,
        delta: Double,
        significance: Double = 0.05
    ) throws(AuditError) {
        try AuditError.check("number of canaries", canaries, in: 1...Self.mostCanaries)
        try AuditError.check("number of guesses", guesses, in: 1...canaries)
        try AuditError.check("number of correct guesses", correct, in: 0...guesses)
        try AuditError.check(delta: delta, significance: significance)
        self.canaries = canaries
        self.guesses = guesses
        self.correct = correct
        self.delta = delta
        self.significance = significance
    }
}
