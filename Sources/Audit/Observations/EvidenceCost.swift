/// What an attacker pays for the evidence of one vantage point, in floating-point operations: the products that passes and
/// training ask for, as ``TrainingWork`` counts them.
public struct EvidenceCost: Sendable, Equatable {
    /// One pass of all records through the tuned model.
    public var tuned: Double
    /// What each kind of evidence takes beside it.
    public var more: [Evidence: Double]

    /// Keeps the values.
    public init(tuned: Double, more: [Evidence: Double] = [:]) {
        self.tuned = tuned
        self.more = more
    }

    /// All that one attack needs. Attacks on rounds do not look at the tuned model.
    func operations(of attack: any Attack) -> Double {
        (attack.needs.contains(.rounds) ? 0 : tuned) + attack.needs.reduce(0) { $0 + (more[$1] ?? 0) }
    }
}
