/// What a fork of a run under a lying coordinator gave away. It is no part of what the run itself leaked.
public struct ActiveEvidence: Sendable {
    /// Positions of the targets among the audited records.
    public var targets: [Int]
    /// `[targets][rounds]`: what a coordinator sees that gets single updates; nil where a target's holder was in no round.
    public var individual: [[RoundEvidence]]?
    /// `[targets][rounds]`: what one sees that gets sums.
    public var aggregate: [[RoundEvidence]]
    /// Whether updates were masked in the run, so that nobody has the view on single ones.
    public var isMasked: Bool
    /// Whether data holders of a federation with the run's settings compute themselves how each round begins, and would not have
    /// trained on the lie of any; of others only the first round's adapter is known beforehand.
    public var isAlwaysRefused: Bool
    /// Floating-point operations of the data holders' training in the fork.
    public var trainingOperations: Double
    /// What each attack takes from one of the two vantage points, by name, in floating-point operations of the coordinator.
    public var operations: [String: Double]

    /// Keeps the values.
    public init(
        targets: [Int],
        individual: [[RoundEvidence]]?,
        aggregate: [[RoundEvidence]],
        isMasked: Bool,
        isAlwaysRefused: Bool,
        trainingOperations: Double,
        operations: [String: Double]
    ) {
        self.targets = targets
        self.individual = individual
        self.aggregate = aggregate
        self.isMasked = isMasked
        self.isAlwaysRefused = isAlwaysRefused
        self.trainingOperations = trainingOperations
        self.operations = operations
    }

    /// The views with what is seen from each.
    var views: [(vantage: VantagePoint, rounds: [[RoundEvidence]])] {
        (individual.map { [(.individual, $0)] } ?? []) + [(.aggregate, aggregate)]
    }
}
