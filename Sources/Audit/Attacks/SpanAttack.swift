/// SPAN: how much of what the record’s words feed into the adapter lies in the space that the update spans. (DAGER (Petrov et al. 2024) and ProjRes (2026), softened for several steps).
public struct SpanAttack: Attack {
    /// `SPAN`.
    public let name = "SPAN"
    /// One sentence for the report.
    public let explanation =
        "How much of what the record’s words feed into the adapter lies in the space that the update spans."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds, .span]

    /// Has no parameters.
    public init() {}

    /// The largest share over rounds: one round in which the record was trained on is enough.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { observation in
            guard let largest = observation.rounds.compactMap(\.span).max() else {
                throw RoundStatistic.missing(observation)
            }
            return largest
        }
    }
}
