/// FedMIA (Zhu et al. 2024): whether a holder's update does to the record what no other holder's update does.
///
/// The published score is Φ of the standardised distance, which is 1 to the last bit in exactly the tail that matters; this is
/// the distance itself.
public struct FedMIAAttack: Attack {
    /// What is measured of the record under each update.
    public enum Measurement: Sendable {
        /// The log-likelihood (FedMIA-I).
        case loss
        /// The cosine between gradient and update (FedMIA-II).
        case cosine
    }

    /// `FEDMIA-I` or `FEDMIA-II`.
    public var name: String { measurement == .loss ? "FEDMIA-I" : "FEDMIA-II" }
    /// One sentence for the report.
    public var explanation: String {
        "Whether the holder’s update treats the record as no other holder’s does, by "
            + (measurement == .loss ? "its likelihood." : "the direction in which it pulls.")
    }
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator of a run without secure aggregation."
    /// What it works on.
    public var needs: Set<Evidence> {
        measurement == .loss ? [.rounds, .otherHolders] : [.rounds, .otherHolders, .gradients]
    }

    private let measurement: Measurement

    /// Takes the measurement.
    public init(_ measurement: Measurement) { self.measurement = measurement }

    /// mean over rounds of (m_k − μ)/√(v + 10⁻⁸), μ and v over the other holders; those above μ + 3σ, who may hold the record
    /// themselves, are left out.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { observation in
            try RoundStatistic.mean(of: observation) { round in
                switch measurement {
                case .loss: Self.standardised(round.after, among: round.afterOthers)
                case .cosine: round.cosine.map { Self.standardised($0, among: round.cosineOthers) }
                }
            }
        }
    }

    static func standardised(_ own: Double, among others: [Double]) -> Double {
        func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
            let mean = values.reduce(0, +) / Double(max(1, values.count))
            return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count)))
        }
        let all = moments(others)
        let kept = others.filter { $0 <= all.mean + 3 * all.variance.squareRoot() }
        let (mean, variance) = moments(kept)
        return (own - mean) / (variance + 1e-8).squareRoot()
    }
}
