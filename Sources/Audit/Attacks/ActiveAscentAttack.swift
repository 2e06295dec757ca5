/// ACTIVE-GA: how far the record's loss comes back after the coordinator drove it up. (Nasr, Shokri & Houmansadr 2019, the
/// active attacker of federated learning).
public struct ActiveAscentAttack: Attack {
    /// `ACTIVE-GA`.
    public let name = "ACTIVE-GA"
    /// One sentence for the report.
    public let explanation =
        "How far the record’s likelihood comes back in a round that began with an adapter on which the coordinator had driven it "
        + "down: training on the record pulls it back."
    /// Whose attack it is.
    public let assumption =
        "The attacker is a coordinator that lies about the adapter; measured on a fork, which leaves the run as it was."
    /// What it works on.
    public let needs: Set<Evidence> = [.active]

    /// Has no parameters.
    public init() {}

    /// mean over rounds of LL(x; θ′ + Δ) − LL(x; θ′), θ′ the adapter of the lie.
    ///
    /// - Throws: `AuditError.unusableObservation` for a record without rounds.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { try RoundStatistic.mean(of: $0) { $0.after - $0.before } }
    }
}
