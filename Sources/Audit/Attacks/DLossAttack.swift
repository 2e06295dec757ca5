/// DLOSS: how much more the record gained in a round than it did under the other holders’ updates. (Li et al. 2023; forward passes only, robust over several local epochs).
public struct DLossAttack: Attack {
    /// `DLOSS`.
    public let name = "DLOSS"
    /// One sentence for the report.
    public let explanation = "How much more the record gained in a round than it did under the other holders’ updates."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds]

    /// Has no parameters.
    public init() {}

    /// mean over rounds of [LL(x; θ_k) − LL(x; θ)] − mean over other holders j of [LL(x; θ_j) − LL(x; θ)], the second only
    /// where single updates are seen.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { observation in
            try RoundStatistic.mean(of: observation) { round in
                let others = round.afterOthers
                let typical = others.isEmpty ? round.before : others.reduce(0, +) / Double(others.count)
                return round.after - typical
            }
        }
    }
}
