/// ACTIVE-NORM: how little the record would still change the adapter after the round that began with a lie. (Nasr, Shokri &
/// Houmansadr 2019).
public struct ActiveNormAttack: Attack {
    /// `ACTIVE-NORM`.
    public let name = "ACTIVE-NORM"
    /// One sentence for the report.
    public let explanation =
        "How little the record would still change the adapter after a round that began with an adapter on which the coordinator "
        + "had driven its likelihood down."
    /// Whose attack it is.
    public let assumption = ActiveAscentAttack().assumption
    /// What it works on.
    public let needs: Set<Evidence> = [.active]

    /// Has no parameters.
    public init() {}

    /// −‖∇ℓ(x; θ′ + Δ)‖ after the last round, θ′ the adapter of the lie.
    ///
    /// - Throws: `AuditError.unusableObservation` for a record without rounds.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { try RoundStatistic.mean(of: $0.last) { $0.gradientNormAfter.map { -$0 } } }
    }
}
