/// How the participants of a round are chosen; it decides which accountant may state an ε.
public enum Sampler: Sendable, Equatable {
    /// Each takes part in a round by a coin of its own (Abadi et al. 2016). Size of a round: random.
    case poisson(rate: Double)
    /// Each round draws `cohort` of `population`, all subsets alike (Wang, Balle & Kasiviswanathan 2019).
    case fixedSize(cohort: Int, population: Int)
    /// All take part in every round: nothing is amplified.
    case fullParticipation

    /// The chance of one participant to be in one round, in (0, 1].
    public var rate: Double {
        switch self {
        case .poisson(let rate): rate
        case .fixedSize(let cohort, let population): Double(cohort) / Double(population)
        case .fullParticipation: 1
        }
    }

    /// What the accounting of this sampler is known for.
    public var neighbouringRelation: NeighbouringRelation {
        if case .fixedSize = self { .replaceOne } else { .addOrRemoveOne }
    }

    /// `poisson`, `fixed` or `full`.
    public var name: String {
        switch self {
        case .poisson: "poisson"
        case .fixedSize: "fixed"
        case .fullParticipation: "full"
        }
    }
}
