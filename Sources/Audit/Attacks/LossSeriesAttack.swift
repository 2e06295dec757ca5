/// LOSS-SERIES: how fluently the model predicts the record after each round, on average. (CS-MIA (Gu et al. 2022)).
public struct LossSeriesAttack: Attack {
    /// `LOSS-SERIES`.
    public let name = "LOSS-SERIES"
    /// One sentence for the report.
    public let explanation = "How fluently the model predicts the record after each round, on average."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds]

    /// Has no parameters.
    public init() {}

    /// mean over rounds of LL(x; θ after the update).
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { try RoundStatistic.mean(of: $0, \.after) }
    }
}
