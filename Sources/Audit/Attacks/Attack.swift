/// A membership-inference attack: one number a record, higher = more likely trained on. One file each in this folder.
public protocol Attack: Sendable {
    /// The short name that suites and reports use, such as `RATIO`.
    var name: String { get }
    /// What the attacker does, in one sentence for a reader who is no statistician.
    var explanation: String { get }
    /// What the attacker is taken to have or to know, in one sentence.
    var assumption: String { get }
    /// What the attack has to be given. One that compares with the untuned model, or with a round, has no null control.
    var needs: Set<Evidence> { get }

    /// Scores all records of one vantage point, in their order.
    ///
    /// - Throws: `AuditError` naming the record when something that the attack needs is missing.
    func scores(of observations: [RecordObservation]) throws -> [Double]
}

extension Attack {
    /// Most attacks look at the tuned model alone.
    public var needs: Set<Evidence> { [] }
    /// Most attackers hold the model that they query.
    public var assumption: String { "The attacker has the record in question and the tuned model's probabilities." }

    /// Whether the attack is a coordinator's: on what it sees of rounds, honest or not.
    var isOnRounds: Bool { !needs.isDisjoint(with: [.rounds, .active]) }

    /// The scores, every one finite.
    ///
    /// - Throws: `AuditError.nonFiniteScore` with the record's id, besides what the attack throws.
    public func checkedScores(of observations: [RecordObservation]) throws -> [Double] {
        let scores = try scores(of: observations)
        for (score, observation) in zip(scores, observations) where !score.isFinite {
            throw AuditError.nonFiniteScore(attack: name, record: observation.record.id, value: "\(score)")
        }
        return scores
    }
}

/// Mean log-likelihoods shared by the attacks.
public enum LogLikelihood {
    /// Mean over tokens, natural logarithm; never the sum, which would rank records by length.
    public static func mean(_ tokens: [TokenObservation]) -> Double {
        tokens.reduce(0) { $0 + $1.logProbability } / Double(tokens.count)
    }

    /// Mean of the smallest `fraction` of `values`, at least one of them.
    ///
    /// Others take ⌊kT⌋ as it is and average an empty slice for records shorter than 1/k.
    static func meanOfSmallest(_ fraction: Double, of values: [Double]) -> Double {
        let count = max(1, Int(fraction * Double(values.count)))
        return values.sorted().prefix(count).reduce(0, +) / Double(count)
    }
}
